import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { sql } from 'kysely'
import { expect, onTestFinished, test } from 'vitest'
import { openPool, scopedDb, unenteredDb } from '../../../src/db/client.ts'
import type { TenantScope } from '../../../src/db/tenant-scope.ts'
import { hashApiKey, newApiKeySecret } from '../../../src/domain/credentials.ts'
import { NO_RATES } from '../../../src/http/admission/limits.ts'
import { freshMetadata } from '../../support/metadata-database.ts'
import { codeOf, startApi } from './test-api.ts'

const inFlight = { inside: 4, insideOfGroup: 2, waitingOfGroup: 5, waitSeconds: 30 }

test('a tenant whose requests all wait for a lock keeps no other waiting, and is told when it sends too many', async () => {
  const api = await startApi({}, { limits: { ...NO_RATES, inFlight } })
  const [first, second] = [await api.newTenant(), await api.newTenant()]
  const stuck = await api.db.transaction().execute(async (tx) => {
    await sql`select from tenant where id = ${first.id} for update`.execute(tx)
    const answers = Array.from({ length: 10 }, (_, n) =>
      first.client('POST', '/v1/addons', { name: `db-${n}` }),
    )
    const early = await Promise.race(answers)
    expect(codeOf(early)).toBe('too-many-in-flight')
    expect(early.headers['retry-after']).toBe('1')
    expect((await second.client('POST', '/v1/addons', { name: 'shop' })).statusCode).toBe(202)
    return answers
  })
  const codes = (await Promise.all(stuck)).map(({ statusCode }) => statusCode)
  expect(codes.filter((code) => code === 202)).toHaveLength(7)
  expect(codes.filter((code) => code === 429)).toHaveLength(3)
})

test.each([
  ['headers', () => 'GET /v1/addons HTTP/1.1\r\nHost: a\r\n'],
  [
    'a body',
    (secret: string) =>
      `POST /v1/addons HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${secret}\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{`,
  ],
])('a client that never ends %s is sent away', async (_what, bytes) => {
  const platformKey = newApiKeySecret()
  const timeouts = { headersSeconds: 0.2, requestSeconds: 0.4, handlerSeconds: 60 }
  const api = await startApi({ platformKeyHash: hashApiKey(platformKey) }, { timeouts })
  const { port } = new URL(await api.app.listen({ host: '127.0.0.1', port: 0 }))
  const socket = connect(Number(port), '127.0.0.1')
  await once(socket, 'connect')
  socket.write(bytes(platformKey))
  const [head, body = ''] = (await text(socket)).split('\r\n\r\n')
  expect(head).toMatch(/^HTTP\/1\.1 408 /)
  expect(JSON.parse(body)).toMatchObject({ type: 'https://undrop.dev/problems/request-timeout' })
})

test('an address that is too long, and too many headers, are refused', async () => {
  const { app } = await startApi()
  expect(codeOf(await app.inject(`/v1/addons?cursor=${'a'.repeat(5000)}`))).toBe('uri-too-long')
  const headers = Object.fromEntries(Array.from({ length: 70 }, (_, n) => [`x-${n}`, '1']))
  expect(codeOf(await app.inject({ url: '/v1/addons', headers }))).toBe('headers-too-large')
})

test('a request that waits too long for a lock is answered 503 with Retry-After', async () => {
  const { connection, db } = await freshMetadata('undrop_api')
  const pool = openPool({ ...connection, pool: { ...connection.pool, lock_timeout: 50 } })
  onTestFinished(() => pool.end())
  const dbOf = (scope: TenantScope) => scopedDb(pool, scope)
  const api = await startApi({ dbOf, unscopedDb: unenteredDb(pool) })
  const { id, client } = await api.newTenant()
  await db.transaction().execute(async (tx) => {
    await sql`select set_config('undrop.tenant', '*', true)`.execute(tx)
    await sql`select from tenant where id = ${id} for update`.execute(tx)
    const answer = await client('POST', '/v1/addons', { name: 'shop' })
    expect(codeOf(answer)).toBe('unavailable')
    expect(answer.headers['retry-after']).toBe('1')
  })
  expect((await client('POST', '/v1/addons', { name: 'shop' })).statusCode).toBe(202)
})

test('a session is prepared anew when a migration has changed what it reads', async () => {
  const { connection } = await freshMetadata('undrop_api')
  const pool = openPool(connection, 1)
  onTestFinished(() => pool.end())
  const dbOf = (scope: TenantScope) => scopedDb(pool, scope)
  const api = await startApi({ dbOf, unscopedDb: unenteredDb(pool) })
  const { id } = await api.newTenant()
  const path = `/v1/tenants/${id}`
  expect((await api.platform('GET', path)).statusCode).toBe(200)
  const migrator = openPool({ ...connection, role: 'undrop_migrator' }, 1)
  onTestFinished(() => migrator.end())
  await migrator.query('alter table tenant add column another text')
  expect([200, 503]).toContain((await api.platform('GET', path)).statusCode)
  expect((await api.platform('GET', path)).statusCode).toBe(200)
})
