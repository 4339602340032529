import { describe, expect, test } from 'vitest'
import { keyRing, sealContext } from '../../../src/secrets/key-ring.ts'
import { codeOf, rowCounts, startApi } from './test-api.ts'

describe('POST /v1/addons', () => {
  test('202 records add-on, server, archive, operation, event and audit entry, and rings for the operation', async () => {
    const { db, newTenant, rung } = await startApi()
    const { id: tenantId, client } = await newTenant()
    const { outbox_event: eventsBefore = 0 } = await rowCounts(db)
    const response = await client('POST', '/v1/addons', { name: 'shop-db', labels: { app: 'shop' } })

    expect(response.statusCode).toBe(202)
    const addon = response.json()
    expect(response.headers.location).toBe(`/v1/addons/${addon.id}`)
    expect(addon).toMatchObject({
      tenantId,
      name: 'shop-db',
      status: 'provisioning',
      protection: 'pending',
      postgresVersion: 16,
      databaseName: 'shop_db',
      endpoint: null,
      labels: { app: 'shop' },
      deletionProtection: false,
    })
    expect((await client('GET', response.headers.location as string)).json()).toEqual(addon)

    const operations = await db.selectFrom('operation').selectAll().execute()
    expect(operations).toMatchObject([
      { kind: 'addon.provision', addon_id: addon.id, status: 'queued', memo: {} },
    ])
    expect(rung).toEqual([{ operationId: operations[0]?.id, version: 1 }])
    expect(await rowCounts(db)).toMatchObject({
      addon: 1,
      server: 1,
      archive: 1,
      outbox_event: eventsBefore + 1,
    })
    const events = db.selectFrom('outbox_event').select('type').where('type', 'like', 'addon.%')
    expect(await events.execute()).toEqual([{ type: 'addon.created' }])
    const audit = await db
      .selectFrom('audit_entry')
      .selectAll()
      .where('action', '=', 'addon.create')
      .execute()
    expect(audit).toMatchObject([{ tenant_id: tenantId, resource_id: addon.id, source_address: '127.0.0.1' }])
  })

  test('its sealed password opens for no other add-on', async () => {
    const ring = keyRing([Buffer.alloc(32, 1)])
    const { db, newTenant } = await startApi({ keyRing: ring })
    const { client } = await newTenant()
    const one = (await client('POST', '/v1/addons', { name: 'one' })).json().id
    const two = (await client('POST', '/v1/addons', { name: 'two' })).json().id
    const { password_sealed, username } = await db
      .selectFrom('addon')
      .selectAll()
      .where('id', '=', one)
      .executeTakeFirstOrThrow()
    expect(username).toMatch(/^u_[0-9a-f]{16}$/)
    expect(ring.open(password_sealed, sealContext.addonPassword(one))).toMatch(/^[\w-]{32}$/)
    expect(() => ring.open(password_sealed, sealContext.addonPassword(two))).toThrow(
      'A sealed secret cannot be opened',
    )
  })

  test('of several requests for one name at the same time exactly one gets it', async () => {
    const { db, newTenant } = await startApi()
    const { client } = await newTenant()
    const { outbox_event: eventsBefore = 0 } = await rowCounts(db)
    const responses = await Promise.all(
      Array.from({ length: 6 }, () => client('POST', '/v1/addons', { name: 'shop-db' })),
    )
    const codes = responses.map((response) => (response.statusCode === 202 ? 'created' : codeOf(response)))
    expect(codes.toSorted()).toEqual([...Array(5).fill('addon-name-taken'), 'created'])
    expect(await rowCounts(db)).toMatchObject({
      addon: 1,
      server: 1,
      archive: 1,
      operation: 1,
      outbox_event: eventsBefore + 1,
    })
  })

  test('two tenants may use one name', async () => {
    const { newTenant } = await startApi()
    const [one, two] = [await newTenant(), await newTenant()]
    for (const { client } of [one, two]) {
      expect((await client('POST', '/v1/addons', { name: 'shop-db' })).statusCode).toBe(202)
    }
  })

  test('a platform key says for which tenant', async () => {
    const { platform, newTenant } = await startApi()
    const { id: tenantId } = await newTenant()
    const without = await platform('POST', '/v1/addons', { name: 'shop-db' })
    expect(without.json()).toMatchObject({ status: 400, errors: [{ pointer: '/tenantId' }] })
    const unknown = await platform('POST', '/v1/addons', {
      name: 'shop-db',
      tenantId: 'tnt_01kas0d8w8e5h9xw2c5a9t7b3k',
    })
    expect(codeOf(unknown)).toBe('tenant-not-found')
    const created = await platform('POST', '/v1/addons', { name: 'shop-db', tenantId })
    expect(created.json()).toMatchObject({ tenantId })
  })

  test('422 names the versions there are when another one is asked for', async () => {
    const { newTenant } = await startApi()
    const { client } = await newTenant()
    const response = await client('POST', '/v1/addons', { name: 'shop-db', postgresVersion: 9 })
    expect(codeOf(response)).toBe('postgres-version-unavailable')
    expect(response.json()).toMatchObject({ status: 422, available: [16, 15] })
    const chosen = await client('POST', '/v1/addons', { name: 'shop-db', postgresVersion: 15 })
    expect(chosen.json()).toMatchObject({ postgresVersion: 15 })
  })

  test('a wake-up that cannot be sent fails no request and is logged', async () => {
    const { newTenant, logged } = await startApi({
      doorbell: { ring: () => Promise.reject(new Error('queue away')) },
    })
    const { client } = await newTenant()
    const response = await client('POST', '/v1/addons', { name: 'shop-db' })
    expect(response.statusCode).toBe(202)
    expect(logged()).toContain('wake-up not sent')
  })
})
