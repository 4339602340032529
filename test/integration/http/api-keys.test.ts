import { sql } from 'kysely'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Db } from '../../../src/db/client.ts'
import { addSeconds } from '../../../src/domain/moment.ts'
import { SCOPES } from '../../../src/domain/scopes.ts'
import { buildServer } from '../../../src/http/server.ts'
import { createApiKey } from '../../../src/services/create-api-key.ts'
import { rotateApiKey } from '../../../src/services/rotate-api-key.ts'
import { updateApiKey } from '../../../src/services/update-api-key.ts'
import { until } from '../../support/until.ts'
import { administeredTenant } from './administered-tenant.ts'
import { type Client, codeOf, NOW, startApi } from './test-api.ts'

const DAY_SECONDS = 24 * 3600

/** With a further API process on the same database. */
async function administeredBeside() {
  const api = await administeredTenant()
  const other = buildServer(api.deps)
  onTestFinished(() => other.close())
  const askOther = async (secret: string) => {
    const headers = { authorization: `Bearer ${secret}` }
    return (await other.inject({ url: '/v1/addons', headers })).statusCode
  }
  return { ...api, askOther }
}

type End = (api: Awaited<ReturnType<typeof administeredBeside>>, keyId: string) => ReturnType<Client>

const endings: [string, End][] = [
  ['it is revoked', ({ tenant, keys }, id) => tenant.client('DELETE', `${keys}/${id}`)],
  [
    'it is rotated without an overlap',
    ({ tenant, keys }, id) => tenant.client('POST', `${keys}/${id}/rotate`, { overlapSeconds: 0 }),
  ],
  [
    'its scopes are taken from it',
    ({ tenant, keys }, id) => tenant.client('PATCH', `${keys}/${id}`, { scopes: ['audit:read'] }),
  ],
  ['its tenant is deleted', ({ tenant, platform }) => platform('DELETE', `/v1/tenants/${tenant.id}`)],
]

describe('a key with admin', () => {
  test('looks after the keys of its tenant, and reads the tenant', async () => {
    const { tenant, keys, make, works } = await administeredTenant()
    const { response, key, client } = await make({ scopes: ['addons:read'] })
    const { secret: _, ...shown } = key
    expect(response.headers.location).toBe(`${keys}/${key.id}`)
    expect((await tenant.client('GET', `${keys}/${key.id}`)).json()).toEqual({ ...shown, lastUsedAt: null })
    expect((await tenant.client('GET', keys)).json().data).toContainEqual(shown)
    expect((await tenant.client('GET', `/v1/tenants/${tenant.id}`)).json()).toMatchObject({ id: tenant.id })
    expect(await works(client)).toBe(true)
    expect((await tenant.client('DELETE', `${keys}/${key.id}`)).statusCode).toBe(204)
    expect(await works(client)).toBe(false)
  })

  test('leaves what costs the platform to the platform', async () => {
    const { tenant } = await administeredTenant()
    const path = `/v1/tenants/${tenant.id}`
    expect(codeOf(await tenant.client('PATCH', path, { maxConcurrentOperations: 100 }))).toBe('forbidden')
    expect(codeOf(await tenant.client('DELETE', path))).toBe('forbidden')
    expect(codeOf(await tenant.client('POST', '/v1/platform-keys', { name: 'mine' }))).toBe('forbidden')
  })

  test('is refused by every API process from the moment that one has revoked it', async () => {
    const { tenant, keys, make, askOther } = await administeredBeside()
    const { key } = await make({})
    const asked = () => askOther(key.secret)
    for (let times = 0; times < 3; times++) expect(await asked()).toBe(200)
    await tenant.client('DELETE', `${keys}/${key.id}`)
    expect(await asked()).toBe(401)
  })

  test.each(endings)(
    'has every API process let in no more by a key from the moment that %s',
    async (_, end) => {
      const api = await administeredBeside()
      const { key } = await api.make({})
      expect(await api.askOther(key.secret)).toBe(200)
      let ended = false
      // The other process never stops being asked, so that it knows the key whenever it may.
      const askOnAndOn = async () => {
        while (!ended) expect([200, 401, 403]).toContain(await api.askOther(key.secret))
      }
      const asking = askOnAndOn()
      const { statusCode } = await end(api, key.id)
      ended = true
      expect(await api.askOther(key.secret)).not.toBe(200)
      expect(statusCode).toBeLessThan(300)
      await asking
    },
  )

  test('may revoke itself, which acts at its next request', async () => {
    const { tenant, keys } = await administeredTenant()
    expect((await tenant.client('DELETE', `${keys}/${tenant.keyId}`)).statusCode).toBe(204)
    expect((await tenant.client('GET', keys)).statusCode).toBe(401)
  })
})

describe('a key gives no more than it has', () => {
  test('in time: what it makes, changes or rotates ends with it at the latest', async () => {
    const { tenant, keys, make } = await administeredTenant()
    const expiresAt = addSeconds(NOW, DAY_SECONDS)
    const { client: mortal, key: itself } = await make({ scopes: ['admin'], expiresAt })
    const later = addSeconds(expiresAt, 1)
    const { key } = await make({}, mortal)
    expect(key.expiresAt).toBe(expiresAt)
    for (const end of [later, null]) {
      const refused = [
        await mortal('PATCH', `${keys}/${key.id}`, { expiresAt: end }),
        await mortal('PATCH', `${keys}/${itself.id}`, { expiresAt: end }),
        await mortal('POST', `${keys}/${key.id}/rotate`, { expiresAt: end }),
        await mortal('POST', `${keys}/${itself.id}/rotate`, { expiresAt: end }),
      ]
      if (end !== null) refused.push((await make({ expiresAt: end }, mortal)).response)
      for (const response of refused) {
        expect(codeOf(response)).toBe('forbidden')
        expect(response.json()).toMatchObject({ latestExpiresAt: expiresAt })
      }
    }
    const freed = await tenant.client('PATCH', `${keys}/${key.id}`, { expiresAt: null })
    expect(freed.json().expiresAt).toBe(null)
    const successor = await mortal('POST', `${keys}/${key.id}/rotate`, {})
    expect(successor.json().expiresAt).toBe(expiresAt)
  })

  test('in scopes, neither to a new key nor to another, nor does it take over one that may do more', async () => {
    const { deps, tenant, make } = await administeredTenant()
    const { key } = await make({ scopes: ['addons:read', 'credentials:read'] })
    // Every operation on keys needs admin, which stands for all; so this asks the use cases themselves.
    const lesser = {
      tenantId: tenant.id,
      scopes: ['addons:read'] as const,
      actor: { apiKeyId: tenant.keyId, requestId: 'request', sourceAddress: '127.0.0.1' },
    }
    const work = { ...deps, db: deps.dbOf({ tenantId: tenant.id }) }
    const of = { tenantId: tenant.id }
    const expected = { code: 'forbidden' }
    await expect(createApiKey(work, lesser, of, { name: 'more' })).rejects.toMatchObject(expected)
    await expect(createApiKey(work, lesser, of, { name: 'more', scopes: ['admin'] })).rejects.toMatchObject(
      expected,
    )
    const scopes = ['addons:read' as const]
    await expect(updateApiKey(work, lesser, of, key.id, { scopes })).rejects.toMatchObject(expected)
    await expect(rotateApiKey(work, lesser, of, key.id, { overlapSeconds: 0 })).rejects.toMatchObject(
      expected,
    )
    expect(await createApiKey(work, lesser, of, { name: 'less', scopes })).toMatchObject({ scopes })
  })

  test('and nothing once it is revoked, however early its request was let in', async () => {
    const { db, make } = await administeredTenant()
    const { key, client } = await make({ scopes: ['admin'] })
    await client('GET', '/v1/addons')
    const late = await db.transaction().execute(async (tx) => {
      await tx.updateTable('api_key').set({ revoked_at: NOW }).where('id', '=', key.id).execute()
      const response = make({ name: 'late' }, client).then((made) => made.response)
      await until(async () => (await waitingForLocks(db)) > 0)
      return { response }
    })
    expect(codeOf(await late.response)).toBe('unauthenticated')
    expect(await db.selectFrom('api_key').select('id').where('name', '=', 'late').execute()).toEqual([])
  })
})

async function waitingForLocks(db: Db): Promise<number> {
  const { rows } = await sql`select from pg_locks join pg_stat_activity using (pid)
    where not granted and datname = current_database()`.execute(db)
  return rows.length
}

describe('PATCH …/api-keys/{apiKeyId}', () => {
  test('changes what is given, from the next request on', async () => {
    const { tenant, keys, make, works } = await administeredTenant()
    const { key, client } = await make({})
    expect(await works(client)).toBe(true)
    const path = `${keys}/${key.id}`
    const changed = (
      await tenant.client('PATCH', path, { scopes: ['restores:write', 'backups:write'] })
    ).json()
    expect(changed).toMatchObject({
      name: 'deploy',
      scopes: ['backups:write', 'restores:write'],
      expiresAt: null,
    })
    expect(codeOf(await client('GET', '/v1/addons'))).toBe('forbidden')
    const expiresAt = addSeconds(NOW, 60)
    expect((await tenant.client('PATCH', path, { name: 'ci', expiresAt })).json()).toMatchObject({
      name: 'ci',
      scopes: changed.scopes,
      expiresAt,
    })
  })

  test('409 for one that has ended: nothing brings it back', async () => {
    const { clock, tenant, keys, make } = await administeredTenant()
    const { key: revoked } = await make({})
    const { key: expired } = await make({ expiresAt: addSeconds(NOW, 1) })
    await tenant.client('DELETE', `${keys}/${revoked.id}`)
    clock.now = addSeconds(NOW, 1)
    for (const { id } of [revoked, expired]) {
      expect(codeOf(await tenant.client('PATCH', `${keys}/${id}`, { expiresAt: null }))).toBe('api-key-ended')
      expect(codeOf(await tenant.client('POST', `${keys}/${id}/rotate`, {}))).toBe('api-key-ended')
    }
  })
})

describe('keys of the platform', () => {
  test('act for every tenant like the configured one, are listed without it, rotated and revoked', async () => {
    const { platform, clientWith, newTenant } = await startApi()
    const tenant = await newTenant()
    const created = await platform('POST', '/v1/platform-keys', { name: 'dashboard' })
    const { secret, ...key } = created.json()
    expect(key).toMatchObject({ tenantId: null, scopes: SCOPES })
    expect((await platform('GET', created.headers.location as string)).json()).toEqual(key)
    const stored = clientWith(secret)
    expect((await stored('GET', `/v1/tenants/${tenant.id}`)).statusCode).toBe(200)
    expect((await stored('GET', '/v1/platform-keys')).json().data).toMatchObject([{ id: key.id }])

    const path = `/v1/platform-keys/${key.id}`
    const successor = (await stored('POST', `${path}/rotate`, { overlapSeconds: 0 })).json()
    expect((await stored('GET', '/v1/tenants')).statusCode).toBe(401)
    const next = clientWith(successor.secret)
    expect((await next('GET', '/v1/tenants')).statusCode).toBe(200)
    expect((await platform('DELETE', `/v1/platform-keys/${successor.id}`)).statusCode).toBe(204)
    expect((await next('GET', '/v1/tenants')).statusCode).toBe(401)
    expect((await platform('GET', '/v1/tenants')).statusCode).toBe(200)
  })

  test('that expire give no key to anybody that lasts longer', async () => {
    const { platform, clientWith, newTenant } = await startApi()
    const tenant = await newTenant()
    const expiresAt = addSeconds(NOW, 60)
    const { secret } = (await platform('POST', '/v1/platform-keys', { name: 'mortal', expiresAt })).json()
    const mortal = clientWith(secret)
    for (const path of ['/v1/platform-keys', `/v1/tenants/${tenant.id}/api-keys`]) {
      expect((await mortal('POST', path, { name: 'child' })).json().expiresAt).toBe(expiresAt)
      const later = addSeconds(expiresAt, 1)
      expect(codeOf(await mortal('POST', path, { name: 'child', expiresAt: later }))).toBe('forbidden')
    }
  })
})

test('what becomes of keys is in the audit log with before and after, and told to their tenant, without a secret', async () => {
  const { db, tenant, keys, make, platform } = await administeredTenant()
  const { key } = await make({})
  const path = `${keys}/${key.id}`
  await tenant.client('PATCH', path, { name: 'ci' })
  const successor = (await tenant.client('POST', `${path}/rotate`, {})).json()
  for (let times = 0; times < 2; times++) await tenant.client('DELETE', path)
  await platform('POST', '/v1/platform-keys', { name: 'dashboard' })

  const entries = await db
    .selectFrom('audit_entry')
    .selectAll()
    .where('action', 'like', 'api-key.%')
    .orderBy('id')
    .execute()
  const told = entries.filter(({ api_key_id }) => api_key_id === tenant.keyId)
  expect(told.map(({ action, resource_id }) => [action, resource_id])).toEqual([
    ['api-key.create', key.id],
    ['api-key.update', key.id],
    ['api-key.rotate', key.id],
    ['api-key.revoke', key.id],
  ])
  expect(told[1]).toMatchObject({ before: { name: 'deploy' }, after: { name: 'ci' } })
  expect(told[2]).toMatchObject({ before: { replacedBy: null }, after: { replacedBy: successor.id } })
  expect(entries.at(-1)).toMatchObject({ tenant_id: null, action: 'api-key.create' })

  const events = await db
    .selectFrom('outbox_event')
    .selectAll()
    .where('type', 'like', 'api-key.%')
    .orderBy('id')
    .execute()
  const ofKey = events.filter(({ resource_id }) => resource_id === key.id)
  expect(ofKey.map(({ type }) => type)).toEqual(
    ['created', 'updated', 'rotated', 'revoked'].map((what) => `api-key.${what}`),
  )
  const written = JSON.stringify([entries, events])
  for (const { secret } of [key, successor]) expect(written).not.toContain(secret)
})
