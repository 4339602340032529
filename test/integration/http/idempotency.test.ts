import { randomBytes, randomUUID } from 'node:crypto'
import { setImmediate as immediate } from 'node:timers/promises'
import { sql } from 'kysely'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { openDb, openPool, scopedDb } from '../../../src/db/client.ts'
import { removeOldIdempotencyKeys } from '../../../src/db/idempotency-keys.ts'
import { hashApiKey, newApiKeySecret } from '../../../src/domain/credentials.ts'
import { SCOPES } from '../../../src/domain/scopes.ts'
import { keyRing } from '../../../src/secrets/key-ring.ts'
import { freshMetadata } from '../../support/metadata-database.ts'
import { rowOf, withKey } from './idempotency-ground.ts'
import { documentedOperations, fill } from './openapi-operations.ts'
import { type Api, codeOf, completeBackup, rowCounts, startApi } from './test-api.ts'
import { idsOf, openEstate } from './wall/ground.ts'

/** API processes that share a database and their keys, with few connections each. */
async function twoApis(): Promise<[Api, Api]> {
  const { connection } = await freshMetadata('undrop_api')
  const secret = newApiKeySecret()
  const ring = keyRing([randomBytes(32)])
  const start = async () => {
    const pool = openPool(connection, 3)
    pool.on('error', () => {})
    onTestFinished(() => pool.end())
    const api = await startApi({
      dbOf: (scope) => scopedDb(pool, scope),
      unscopedDb: openDb(pool),
      keyRing: ring,
      platformKeyHash: hashApiKey(secret),
    })
    return { ...api, db: scopedDb(pool, 'every-tenant'), platform: api.clientWith(secret) }
  }
  return [await start(), await start()]
}

test('50 requests at once with one key, to two processes, create one thing and are given equal answers', async () => {
  const [one, other] = await twoApis()
  const before = await rowCounts(one.db)
  const headers = withKey()
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, index) =>
      (index % 2 === 0 ? one : other).platform('POST', '/v1/tenants', { name: 'Acme' }, headers),
    ),
  )
  const [first] = answers
  expect(first?.statusCode).toBe(201)
  for (const { statusCode, body, headers } of answers) {
    expect([statusCode, body, headers.location, headers['content-type'], headers.etag]).toEqual([
      201,
      first?.body,
      first?.headers.location,
      first?.headers['content-type'],
      first?.headers.etag,
    ])
  }
  expect(answers.filter(({ headers }) => headers['idempotent-replayed'] === undefined)).toHaveLength(1)
  expect(await rowCounts(one.db)).toMatchObject({ tenant: (before['tenant'] ?? 0) + 1 })
})

test('every POST of the document is done once, and answered the same the second time', async () => {
  const api = await startApi()
  for (const { id, method, path, pathParameters, body, platformOnly } of await documentedOperations()) {
    if (method !== 'POST') continue
    const estate = await openEstate(api)
    await completeBackup(api.db, estate.addon)
    const url = fill(path, await idsOf(estate, pathParameters))
    const headers = withKey()
    const ask = () => (platformOnly ? api.platform : estate.client)('POST', url, body, headers)
    const first = await ask()
    expect(first.statusCode, `${id}: ${first.body}`).toBeLessThan(300)
    const before = await rowCounts(api.db)
    const second = await ask()
    expect([second.statusCode, second.body], id).toEqual([first.statusCode, first.body])
    expect({ ...(await rowCounts(api.db)), audit_entry: 0 }, id).toEqual({ ...before, audit_entry: 0 })
  }
})

describe('a key', () => {
  test('is refused for another body, path or operation', async () => {
    const { newTenant, platform } = await startApi()
    const { id, client } = await newTenant(SCOPES)
    const headers = withKey()
    await client('POST', '/v1/addons', { name: 'shop' }, headers)
    expect(codeOf(await client('POST', '/v1/addons', { name: 'other' }, headers))).toBe(
      'idempotency-key-reused',
    )
    expect((await platform('POST', '/v1/tenants', { name: 'Acme' }, headers)).statusCode).toBe(201)
    const reused = await platform('POST', `/v1/tenants/${id}/api-keys`, { name: 'Acme' }, headers)
    expect(codeOf(reused)).toBe('idempotency-key-reused')
  })

  test('is of one tenant: that of another is a key of its own, with answers of its own', async () => {
    const { newTenant } = await startApi()
    const [one, other] = [await newTenant(SCOPES), await newTenant()]
    const headers = withKey()
    const [mine, theirs] = [
      await one.client('POST', '/v1/addons', { name: 'shop' }, headers),
      await other.client('POST', '/v1/addons', { name: 'shop' }, headers),
    ]
    expect(mine.json().tenantId).toBe(one.id)
    expect(theirs.json().tenantId).toBe(other.id)
  })

  test.each(['', 'two words', 'ü', 'k'.repeat(256)])('%j is no key', async (key) => {
    const { db, newTenant } = await startApi()
    const { client } = await newTenant(SCOPES)
    const response = await client('POST', '/v1/addons', { name: 'shop' }, withKey(key))
    expect(response.json()).toMatchObject({ status: 400, errors: [{ header: 'Idempotency-Key' }] })
    expect(await rowCounts(db)).toMatchObject({ addon: 0 })
  })

  test('is forgotten after a day', async () => {
    const api = await startApi()
    const { client } = await api.newTenant(SCOPES)
    const [old, young] = [randomUUID(), randomUUID()]
    await client('POST', '/v1/addons', { name: 'shop' }, withKey(old))
    await client('POST', '/v1/addons', { name: 'other' }, withKey(young))
    await sql`update idempotency_key set made_at = made_at - interval '25 hours' where key = ${old}`.execute(
      api.db,
    )
    await removeOldIdempotencyKeys(api.db)
    const rows = await api.db.selectFrom('idempotency_key').select('key').execute()
    expect(rows).toEqual([{ key: young }])
  })
})

describe('an answer', () => {
  test('that holds a secret is kept sealed, and whoever is given it again is recorded', async () => {
    const api = await startApi()
    const { id } = await api.newTenant(SCOPES)
    const headers = withKey('again')
    const path = `/v1/tenants/${id}/api-keys`
    const { secret, id: keyId } = (await api.platform('POST', path, { name: 'deploy' }, headers)).json()
    const again = await api.platform('POST', path, { name: 'deploy' }, headers)
    expect(again.json().secret).toBe(secret)
    const row = await rowOf(api, 'again')
    expect(JSON.stringify(row)).not.toContain(secret)
    expect(row).toMatchObject({ state: 'answered', status: 201 })
    const entries = await api.db
      .selectFrom('audit_entry')
      .select(['action', 'detail', 'tenant_id'])
      .where('resource_id', '=', keyId)
      .orderBy('id')
      .execute()
    expect(entries).toEqual([
      { action: 'api-key.create', detail: {}, tenant_id: id },
      { action: 'idempotency-key.replay', detail: { action: 'api-key.create' }, tenant_id: id },
    ])
  })

  test('that holds a secret is given again to no other key of the tenant, whatever the operation', async () => {
    const api = await startApi()
    const secretsShown = new Set<string>()
    for (const { id, method, path, pathParameters, body, platformOnly } of await documentedOperations()) {
      if (method !== 'POST') continue
      const estate = await openEstate(api)
      await completeBackup(api.db, estate.addon)
      const url = fill(path, await idsOf(estate, pathParameters))
      const keys = platformOnly ? '/v1/platform-keys' : `/v1/tenants/${estate.tenantId}/api-keys`
      const scopes = platformOnly ? {} : { scopes: ['admin'] }
      const another = (await api.platform('POST', keys, { name: 'another', ...scopes })).json()
      const headers = withKey()
      const first = await (platformOnly ? api.platform : estate.client)('POST', url, body, headers)
      const second = await api.clientWith(another.secret)('POST', url, body, headers)
      const { secret, password } = first.body === '' ? {} : first.json()
      if (secret === undefined && password === undefined) {
        expect([second.statusCode, second.body], id).toEqual([first.statusCode, first.body])
        continue
      }
      secretsShown.add(id)
      expect(codeOf(second), id).toBe('idempotent-answer-lost')
      expect(second.json()).toMatchObject({ action: expect.any(String), resourceId: expect.any(String) })
      for (const shown of [secret, password])
        if (shown !== undefined) expect(second.body).not.toContain(shown)
    }
    expect([...secretsShown].sort()).toEqual([
      ...[
        'createApiKey',
        'createPlatformKey',
        'createWebhookEndpoint',
        'revealCredential',
        'revealCredentials',
      ],
      ...['rotateApiKey', 'rotatePlatformKey', 'rotateWebhookSecret'],
    ])
  })

  test('of a request that the state of things refuses is kept', async () => {
    const { newTenant } = await startApi()
    const { client } = await newTenant(SCOPES)
    await client('POST', '/v1/addons', { name: 'shop' })
    const headers = withKey()
    const first = await client('POST', '/v1/addons', { name: 'shop' }, headers)
    expect(codeOf(first)).toBe('addon-name-taken')
    expect((await client('POST', '/v1/addons', { name: 'shop' }, headers)).body).toBe(first.body)
  })

  test.each([
    ['that is no valid request', { name: 7 }, 400],
    ['of a fault of ours', { name: 'shop' }, 500],
  ])('%s is not kept', async (_name, body, status) => {
    let broken = true
    const postgresVersions = () => {
      if (broken) throw new Error('broken')
      return [15]
    }
    const { newTenant } = await startApi({ postgresVersions })
    const { client } = await newTenant(SCOPES)
    const headers = withKey()
    expect((await client('POST', '/v1/addons', body, headers)).statusCode).toBe(status)
    broken = false
    expect((await client('POST', '/v1/addons', { name: 'shop' }, headers)).statusCode).toBe(202)
  })

  test('of a request that the key may not make is not kept', async () => {
    const { newTenant, db } = await startApi()
    const { client } = await newTenant(SCOPES)
    expect((await client('POST', '/v1/tenants', { name: 'Acme' }, withKey())).statusCode).toBe(403)
    expect(await db.selectFrom('idempotency_key').select('id').execute()).toEqual([])
  })
})

test('whoever waits for too long is told to come back, and holds no connection meanwhile', async () => {
  const api = await startApi()
  const { client, id } = await api.newTenant(SCOPES)
  const headers = withKey('waits')
  await sql`
    insert into idempotency_key (id, tenant_id, key, fingerprint, lease_until)
    select 'a', ${id}, 'waits', fingerprint, now() + interval '1 minute'
      from (select sha256(convert_to(${JSON.stringify(['POST', '/v1/addons', { name: 'shop' }])}, 'UTF8')) as fingerprint) as f`.execute(
    api.db,
  )
  vi.useFakeTimers({ toFake: ['performance'] })
  onTestFinished(() => void vi.useRealTimers())
  const waiting = Array.from({ length: 30 }, () => client('POST', '/v1/addons', { name: 'shop' }, headers))
  // There are ten connections: others are served all the same.
  expect((await client('GET', '/v1/addons')).statusCode).toBe(200)
  let answered = 0
  for (const each of waiting) void each.then(() => answered++)
  // Whenever the last of them begins to wait, its time is over at some moment.
  for (; answered < waiting.length; await immediate()) vi.advanceTimersByTime(1000)
  for (const response of await Promise.all(waiting)) {
    expect(codeOf(response)).toBe('idempotency-key-in-use')
    expect(Number(response.headers['retry-after'])).toBeGreaterThan(30)
  }
})
