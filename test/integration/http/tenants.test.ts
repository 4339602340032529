import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { addSeconds, type Moment } from '../../../src/domain/moment.ts'
import { until } from '../../support/until.ts'
import { availableAddon, codeOf, NOW, startApi } from './test-api.ts'

describe('tenants', () => {
  test('are created, read, listed, changed and deleted with a platform key', async () => {
    const { platform } = await startApi()
    const created = await platform('POST', '/v1/tenants', { name: 'Müller & Söhne' })
    expect(created.statusCode).toBe(201)
    const tenant = created.json()
    expect(tenant).toMatchObject({ name: 'Müller & Söhne', maxConcurrentOperations: 4 })
    const path = created.headers.location as string
    expect((await platform('GET', path)).json()).toEqual(tenant)
    expect((await platform('GET', '/v1/tenants')).json()).toEqual({ data: [tenant], nextCursor: null })
    const changed = (await platform('PATCH', path, { maxConcurrentOperations: 8 })).json()
    expect(changed).toEqual({ ...tenant, maxConcurrentOperations: 8 })
    expect((await platform('DELETE', path)).statusCode).toBe(204)
    for (const method of ['GET', 'DELETE'] as const)
      expect(codeOf(await platform(method, path))).toBe('tenant-not-found')
    expect((await platform('GET', '/v1/tenants')).json().data).toEqual([])
  })

  test('409 for the deletion of one that has add-ons, whose keys go on working', async () => {
    const { db, platform, newTenant } = await startApi()
    const { id, client } = await newTenant()
    const addon = await availableAddon(db, client)
    expect(codeOf(await platform('DELETE', `/v1/tenants/${id}`))).toBe('tenant-not-empty')
    expect((await client('GET', '/v1/addons')).statusCode).toBe(200)
    await db
      .updateTable('addon')
      .set({ status: 'deleted', deleted_at: sql`now()` })
      .where('id', '=', addon.id)
      .execute()
    expect((await platform('DELETE', `/v1/tenants/${id}`)).statusCode).toBe(204)
  })

  test('the keys of a deleted one are refused', async () => {
    const { platform, newTenant } = await startApi()
    const { id, client } = await newTenant()
    await platform('DELETE', `/v1/tenants/${id}`)
    expect((await client('GET', '/v1/addons')).statusCode).toBe(401)
  })

  test('a deletion and the creation of an add-on at once never both succeed', async () => {
    const { platform, newTenant } = await startApi()
    for (let round = 0; round < 6; round++) {
      const { id, client } = await newTenant()
      const [deletion, creation] = await Promise.all([
        platform('DELETE', `/v1/tenants/${id}`),
        client('POST', '/v1/addons', { name: 'shop-db' }),
      ])
      const succeeded = [deletion, creation].filter((response) => response.statusCode < 300)
      expect(succeeded).toHaveLength(1)
      expect([401, 404, 409]).toContain((succeeded[0] === deletion ? creation : deletion).statusCode)
    }
  })
})

describe('API keys', () => {
  test('show their secret once, and are not managed by one that lacks admin', async () => {
    const { newTenant, platform, clientWith } = await startApi()
    const { id, client, keyId } = await newTenant()
    const created = await platform('POST', `/v1/tenants/${id}/api-keys`, { name: 'deploy' })
    expect(created.statusCode).toBe(201)
    const { secret, ...key } = created.json()
    expect(secret).toMatch(/^udk_[\w-]{49}$/)
    const listed = (await platform('GET', `/v1/tenants/${id}/api-keys`)).json().data
    expect(listed.map((each: { id: string }) => each.id).sort()).toEqual([keyId, key.id].sort())
    expect(listed).toContainEqual(key)
    // A key that is leaked must not outlive its end by making others.
    expect(codeOf(await client('POST', `/v1/tenants/${id}/api-keys`, { name: 'more' }))).toBe('forbidden')

    const other = clientWith(secret)
    expect((await other('GET', '/v1/addons')).statusCode).toBe(200)
    for (let times = 0; times < 2; times++) {
      expect((await platform('DELETE', `/v1/tenants/${id}/api-keys/${key.id}`)).statusCode).toBe(204)
    }
    expect((await other('GET', '/v1/addons')).statusCode).toBe(401)
    expect((await client('GET', '/v1/addons')).statusCode).toBe(200)
  })

  test.each([
    ['2027-01-01T00:00:00+20:00', '2026-12-31T04:00:00.000000Z'],
    ['2027-01-01T00:00:00.1234567Z', '2027-01-01T00:00:00.123456Z'],
  ])('keep an expiry of %s as %s', async (expiresAt, kept) => {
    const { newTenant, platform } = await startApi()
    const { id } = await newTenant()
    const created = await platform('POST', `/v1/tenants/${id}/api-keys`, { name: 'k', expiresAt })
    expect(created.json()).toMatchObject({ expiresAt: kept })
  })

  test('400 for an expiry that has passed', async () => {
    const { newTenant, platform } = await startApi()
    const { id } = await newTenant()
    const refused = await platform('POST', `/v1/tenants/${id}/api-keys`, { name: 'k', expiresAt: NOW })
    expect(refused.statusCode).toBe(400)
    expect(refused.json()).toMatchObject({ errors: [{ pointer: '/expiresAt' }] })
  })

  test('are refused from the moment they expire', async () => {
    let now: Moment = NOW
    const { platform, newTenant, clientWith } = await startApi({ now: () => now })
    const { id } = await newTenant()
    const expiresAt = addSeconds(NOW, 10)
    const { secret } = (await platform('POST', `/v1/tenants/${id}/api-keys`, { name: 'a', expiresAt })).json()
    now = addSeconds(NOW, 9.999999)
    expect((await clientWith(secret)('GET', '/v1/addons')).statusCode).toBe(200)
    now = expiresAt
    expect((await clientWith(secret)('GET', '/v1/addons')).statusCode).toBe(401)
  })

  test('are refused when they were never given out', async () => {
    const { clientWith } = await startApi()
    const response = await clientWith(`udk_${'A'.repeat(43)}`)('GET', '/v1/addons')
    expect(codeOf(response)).toBe('unauthenticated')
    expect(response.headers['www-authenticate']).toMatch(/^Bearer/)
  })

  test('remember when they were last used, to the minute', async () => {
    let now: Moment = NOW
    const { db, newTenant } = await startApi({ now: () => now })
    const { client, keyId } = await newTenant()
    const usedAt = async (at: Moment) => {
      now = at
      await client('GET', '/v1/addons')
      const key = db.selectFrom('api_key').select('last_used_at').where('id', '=', keyId)
      return (await key.executeTakeFirstOrThrow()).last_used_at
    }
    expect(await usedAt(NOW)).toBe(NOW)
    expect(await usedAt(addSeconds(NOW, 59))).toBe(NOW)
    // Noted when the key is next looked up.
    await until(async () => (await usedAt(addSeconds(NOW, 61))) === addSeconds(NOW, 61))
  })

  test('of a tenant do not manage tenants', async () => {
    const { newTenant } = await startApi()
    const { id, client } = await newTenant()
    for (const [method, path] of [
      ['GET', `/v1/tenants/${id}`],
      ['GET', '/v1/tenants'],
      ['DELETE', `/v1/tenants/${id}`],
    ] as const) {
      expect(codeOf(await client(method, path))).toBe('forbidden')
    }
  })
})

describe('PATCH /v1/addons/{addonId}', () => {
  test('changes what is given, keeps the rest, and replaces labels as a whole', async () => {
    const { db, newTenant } = await startApi()
    const { client } = await newTenant()
    const { id } = await availableAddon(db, client, 'shop-db')
    const path = `/v1/addons/${id}`
    await client('PATCH', path, { labels: { app: 'shop', stage: 'test' }, deletionProtection: true })
    const changed = (await client('PATCH', path, { name: 'store-db', labels: { app: 'store' } })).json()
    expect(changed).toMatchObject({
      name: 'store-db',
      databaseName: 'shop_db',
      labels: { app: 'store' },
      deletionProtection: true,
    })
    expect((await client('GET', path)).json()).toEqual(changed)
  })

  test('409 for a name that is taken, and for an add-on that is being deleted', async () => {
    const { db, newTenant } = await startApi()
    const { client } = await newTenant()
    const [one, two] = [await availableAddon(db, client, 'one'), await availableAddon(db, client, 'two')]
    expect(codeOf(await client('PATCH', `/v1/addons/${two.id}`, { name: 'one' }))).toBe('addon-name-taken')
    await client('DELETE', `/v1/addons/${one.id}`)
    expect(codeOf(await client('PATCH', `/v1/addons/${one.id}`, { name: 'three' }))).toBe(
      'addon-not-available',
    )
  })
})
