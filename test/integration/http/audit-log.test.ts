import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { openPool } from '../../../src/db/client.ts'
import { type EventType, eventData } from '../../../src/domain/events.ts'
import { keyRing } from '../../../src/secrets/key-ring.ts'
import { freshMetadata } from '../../support/metadata-database.ts'
import { documentedOperations, fill } from './openapi-operations.ts'
import { type Api, codeOf, completeBackup, startApi } from './test-api.ts'
import { idsOf, openEstate } from './wall/ground.ts'

const ring = keyRing([Buffer.alloc(32, 7)])

const STORE_SECRET = 'a-secret-of-the-store'

/** What has to be there for an operation to succeed beside what its path names; ids that it makes known. */
const BEFORE: Readonly<Record<string, (api: Api, ids: { tenantId: string }) => Promise<object>>> = {
  async deleteTenant({ platform }) {
    return { tenantId: (await platform('POST', '/v1/tenants', { name: 'Empty' })).json().id }
  },
  async deleteStorageKeys({ platform }, { tenantId }) {
    const keys = { accessKeyId: 'AKIA-1', secretAccessKey: STORE_SECRET }
    await platform('PUT', `/v1/tenants/${tenantId}/storage-keys`, keys)
    return {}
  },
}

/** What leaves a resource as clients see it: it reveals, reads, sends or replaces a secret. */
const SHOWS_NO_CHANGE = [
  'revealCredentials',
  'revealCredential',
  'planRestore',
  'testWebhookEndpoint',
  'replayWebhookDelivery',
  'replayFailedWebhookDeliveries',
  'rotateWebhookSecret',
]

/** Texts that are nobody's to read: in columns that are sealed, and opened. */
async function secretsIn({ db }: Api, answer: { secret?: string; password?: string }): Promise<string[]> {
  const { rows } = await sql<{ sealed: string | null }>`
    select password_sealed as sealed from addon union all select cipher_pass_sealed from archive
    union all select storage_key_sealed from tenant union all select password_sealed from credential
    union all select next_password_sealed from credential union all select secret_sealed from webhook_secret`.execute(
    db,
  )
  const found = [answer.secret, answer.password, STORE_SECRET, ...rows.map(({ sealed }) => sealed)]
  return found.filter((text) => typeof text === 'string')
}

test('every operation that changes something or reveals a secret leaves one entry, with what it changed and no secret, and events of the catalogue', async () => {
  const api = await startApi({ keyRing: ring })
  for (const { id, method, path, pathParameters, body, platformOnly } of await documentedOperations()) {
    if (method === 'GET') continue
    const estate = await openEstate(api)
    await completeBackup(api.db, estate.addon)
    const ids = { ...(await idsOf(estate, pathParameters)), ...(await BEFORE[id]?.(api, estate)) }
    const newest = () => api.db.selectFrom('audit_entry').selectAll().orderBy('id', 'desc').execute()
    const before = await newest()

    const call = platformOnly ? api.platform : estate.client
    const example = id === 'setStorageKeys' ? { ...(body as object), secretAccessKey: STORE_SECRET } : body
    const answer = await call(method, fill(path, ids), example)
    expect(answer.statusCode, `${id}: ${answer.body}`).toBeLessThan(300)
    const entries = (await newest()).filter((entry) => !before.some((old) => old.id === entry.id))
    expect(entries, id).toHaveLength(1)
    for (const { type, payload } of await api.db.selectFrom('outbox_event').selectAll().execute())
      eventData[type as EventType].strict().parse(payload)
    const [entry] = entries
    const answered = answer.body === '' ? {} : answer.json()
    for (const secret of await secretsIn(api, answered))
      expect(JSON.stringify(entry), id).not.toContain(secret)
    if (SHOWS_NO_CHANGE.includes(id)) continue
    expect(entry?.after ?? entry?.before, id).toBeTruthy()
    if (method === 'PATCH')
      expect([entry?.before, entry?.after], id).toEqual([expect.any(Object), expect.any(Object)])
    if (method === 'DELETE') expect(entry?.before, id).toBeTruthy()
  }
})

describe('GET /v1/audit-log', () => {
  test('shows the newest first, page by page, without one twice or missing', async () => {
    const api = await startApi()
    const { id, client, keyId } = await api.newTenant()
    for (const name of ['one', 'two', 'three']) await client('POST', '/v1/addons', { name })
    const seen: { action: string; resourceId: string; actor: object }[] = []
    let next = '/v1/audit-log?limit=2'
    for (;;) {
      const { data, nextCursor } = (await client('GET', next)).json()
      seen.push(...data)
      if (nextCursor === null) break
      next = `/v1/audit-log?limit=2&cursor=${nextCursor}`
    }
    expect(seen.map(({ action }) => action)).toEqual([
      ...['addon.create', 'addon.create', 'addon.create'],
      ...['api-key.create', 'tenant.create'],
    ])
    expect(seen[0]).toMatchObject({
      actor: { kind: 'tenant', apiKeyId: keyId, keyName: 'test' },
      tenantId: id,
      sourceAddress: '127.0.0.1',
      requestId: expect.any(String),
      after: { name: 'three' },
    })
  })

  test('tells a tenant that the platform has acted, and nothing of who or from where', async () => {
    const api = await startApi()
    const { id, client } = await api.newTenant()
    const entry = (await client('GET', '/v1/audit-log?action=tenant.create')).json().data[0]
    expect(entry).toMatchObject({ tenantId: id, sourceAddress: null, requestId: null })
    expect(entry.actor).toEqual({ kind: 'platform', apiKeyId: null, keyName: null })
    const toPlatform = (await api.platform('GET', `/v1/audit-log?tenantId=${id}&action=tenant.create`)).json()
    expect(toPlatform.data[0]).toMatchObject({ id: entry.id, sourceAddress: '127.0.0.1' })
  })

  test('is filtered by action, resource, key and time', async () => {
    const api = await startApi()
    const { id, client, keyId } = await api.newTenant()
    const addon = (await client('POST', '/v1/addons', { name: 'one' })).json()
    const count = async (query: string) =>
      (await client('GET', `/v1/audit-log?${query}`)).json().data.length as number
    expect(await count('action=addon.create')).toBe(1)
    expect(await count(`resourceId=${addon.id}`)).toBe(1)
    expect(await count(`resourceId=${id}`)).toBe(1)
    expect(await count(`apiKeyId=${keyId}`)).toBe(1)
    expect(await count('createdAfter=2020-01-01T00:00:00Z')).toBe(3)
    expect(await count('createdBefore=2020-01-01T00:00:00Z')).toBe(0)
    expect(codeOf(await client('GET', '/v1/audit-log?createdAfter=yesterday'))).toBe('validation-failed')
  })

  test('needs the scope audit:read', async () => {
    const api = await startApi()
    const { id } = await api.newTenant()
    const body = { name: 'reader', scopes: ['addons:read'] }
    const key = (await api.platform('POST', `/v1/tenants/${id}/api-keys`, body)).json()
    expect(codeOf(await api.clientWith(key.secret)('GET', '/v1/audit-log'))).toBe('forbidden')
  })
})

test('neither the API nor a worker can change, remove or empty the audit log', async () => {
  const { connection } = await freshMetadata()
  for (const role of ['undrop_api', 'undrop_worker'] as const) {
    const pool = openPool({ ...connection, role }, 1)
    try {
      for (const statement of [
        `update audit_entry set action = 'nothing'`,
        'delete from audit_entry',
        'truncate audit_entry',
        'alter table audit_entry disable row level security',
      ])
        await expect(pool.query(statement), `${role}: ${statement}`).rejects.toMatchObject({ code: '42501' })
    } finally {
      await pool.end()
    }
  }
})
