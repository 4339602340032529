import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { SCOPES } from '../../../src/domain/scopes.ts'
import { fakeArchives } from '../../support/fake/driver.ts'
import { newLife } from '../../support/fake/life.ts'
import { emptyWorld } from '../../support/fake/world.ts'
import { documentedOperations, fill } from './openapi-operations.ts'
import { type Api, availableAddon, codeOf, completeBackup, startApi } from './test-api.ts'
import { settle } from './wall/ground.ts'

/** A tenant with an add-on, an API key to spare and a restore, and ids of all of it. */
async function ground(api: Api) {
  const { id: tenantId, client, keyId: apiKeyId } = await api.newTenant(SCOPES)
  const addon = await availableAddon(api.db, client)
  await completeBackup(api.db, addon)
  const restore = (
    await client('POST', `/v1/addons/${addon.id}/restores`, { target: { latest: true } })
  ).json()
  return { client, ids: { tenantId, apiKeyId, addonId: addon.id, restoreId: restore.id as string } }
}

const ifMatch = (etag: unknown) => ({ 'if-match': String(etag) })

/** Accepts every key. */
async function startOnS3() {
  const archives = { ...fakeArchives(emptyWorld(), newLife()), checkKeys: async () => [] }
  return startApi({ archives })
}

test('every operation that changes or removes something that exists takes If-Match and heeds it', async () => {
  const api = await startOnS3()
  const conditional: string[] = []
  for (const { id, method, path, body, headerParameters, platformOnly } of await documentedOperations()) {
    if (['PATCH', 'PUT', 'DELETE'].includes(method)) expect(headerParameters, id).toContain('If-Match')
    if (!headerParameters.includes('If-Match')) continue
    conditional.push(id)
    const { client, ids } = await settle(api)
    const before = await sql`select * from tenant`.execute(api.db)
    const call = platformOnly ? api.platform : client
    const response = await call(method, fill(path, ids), body, ifMatch('"other"'))
    expect(codeOf(response), id).toBe('precondition-failed')
    expect((await sql`select * from tenant`.execute(api.db)).rows, id).toEqual(before.rows)
    const weak = await call(method, fill(path, ids), body, ifMatch('W/"other"'))
    expect(weak.statusCode, id).toBe(412)
  }
  expect(conditional).toContain('cancelRestore')
})

test('an operation that takes no If-Match refuses it, and changes nothing', async () => {
  const { newTenant, db } = await startApi()
  const { client } = await newTenant(SCOPES)
  const response = await client('POST', '/v1/addons', { name: 'shop' }, ifMatch('"a"'))
  expect(response.json()).toMatchObject({ status: 400, errors: [{ header: 'If-Match' }] })
  expect(await db.selectFrom('addon').select('id').execute()).toEqual([])
})

describe('an ETag', () => {
  test('of a resource is the same whichever operation answers, and other once it has changed', async () => {
    const { client, ids } = await ground(await startApi())
    const path = `/v1/addons/${ids.addonId}`
    const read = await client('GET', path)
    const etag = read.headers.etag
    expect(etag).toMatch(/^"[\w-]{20,}"$/)
    const changed = await client('PATCH', path, { labels: { app: 'shop' } }, ifMatch(etag))
    expect(changed.statusCode).toBe(200)
    expect(changed.headers.etag).not.toBe(etag)
    expect((await client('GET', path)).headers.etag).toBe(changed.headers.etag)
    expect((await client('HEAD', path)).headers.etag).toBe(changed.headers.etag)
    const list = await client('DELETE', path, undefined, ifMatch(`"x", ${String(changed.headers.etag)}`))
    expect(list.statusCode, list.body).toBe(409)
    expect((await client('PATCH', path, { labels: {} }, ifMatch('*'))).statusCode).toBe(200)
  })

  test('counts every label, whatever its name', async () => {
    const { client, ids } = await ground(await startApi())
    const path = `/v1/addons/${ids.addonId}`
    for (const name of ['secret', 'warnings', 'lastUsedAt']) {
      const [one, other] = await Promise.all(
        ['one', 'other'].map(async (value) => client('PATCH', path, { labels: { [name]: value } })),
      )
      expect(one?.headers.etag, name).not.toBe(other?.headers.etag)
    }
  })

  test('of a tenant, its storage keys, an API key and a restore lets them be changed while it is current', async () => {
    const api = await startOnS3()
    const { client, ids } = await ground(api)
    const tenant = `/v1/tenants/${ids.tenantId}`
    const keys = `${tenant}/storage-keys`
    const etagOf = async (path: string) => ifMatch((await api.platform('GET', path)).headers.etag)
    const body = { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'secret-of-a-key' }
    const before = await etagOf(keys)
    expect((await api.platform('PUT', keys, body, before)).statusCode).toBe(200)
    expect((await api.platform('DELETE', keys, undefined, before)).statusCode).toBe(412)
    expect((await api.platform('DELETE', keys, undefined, await etagOf(keys))).statusCode).toBe(204)

    const old = await etagOf(tenant)
    expect((await api.platform('PATCH', tenant, { name: 'New' }, old)).statusCode).toBe(200)
    expect((await api.platform('PATCH', tenant, { name: 'Newer' }, old)).statusCode).toBe(412)
    expect((await api.platform('DELETE', tenant, undefined, old)).statusCode).toBe(412)

    const made = await api.platform('POST', `${tenant}/api-keys`, { name: 'deploy' })
    const key = `${tenant}/api-keys/${made.json().id}`
    expect((await api.clientWith(made.json().secret)('GET', '/v1/addons')).statusCode).toBe(200)
    expect((await api.platform('DELETE', key, undefined, ifMatch(made.headers.etag))).statusCode).toBe(204)

    const restore = `/v1/restores/${ids.restoreId}`
    const seen = ifMatch((await client('GET', restore)).headers.etag)
    await api.db.updateTable('restore').set({ phase: 'fetching' }).execute()
    expect((await client('POST', `${restore}/cancel`, undefined, seen)).statusCode).toBe(412)
    const now = ifMatch((await client('GET', restore)).headers.etag)
    expect((await client('POST', `${restore}/cancel`, undefined, now)).statusCode).toBe(202)
  })

  test('that the client has is answered with 304 and nothing else', async () => {
    const { client, ids } = await ground(await startApi())
    const path = `/v1/addons/${ids.addonId}`
    const { etag } = (await client('GET', path)).headers
    for (const known of [String(etag), `W/${String(etag)}`, `"x", ${String(etag)}`, '*']) {
      const response = await client('GET', path, undefined, { 'if-none-match': known })
      expect([response.statusCode, response.body, response.headers.etag]).toEqual([304, '', etag])
    }
    const other = await client('GET', path, undefined, { 'if-none-match': '"x"' })
    expect([other.statusCode, other.json().id]).toEqual([200, ids.addonId])
  })

  test('is documented wherever it is answered, and nothing that holds a secret is cached', async () => {
    const api = await startApi()
    const { ids, client } = await ground(api)
    for (const operation of await documentedOperations()) {
      const { id, method, path, etag, headerParameters, platformOnly, streams } = operation
      if (method !== 'GET' || streams || path.match(/\{(?!tenantId|addonId|restoreId)/)) continue
      const response = await (platformOnly ? api.platform : client)('GET', fill(path, ids))
      expect(response.headers.etag !== undefined, id).toBe(etag)
      expect(headerParameters.includes('If-None-Match'), id).toBe(etag)
      expect(response.headers['cache-control'], id).toBe(etag ? 'private, no-cache' : 'no-store')
    }
    const revealed = await client('POST', `/v1/addons/${ids.addonId}/credentials/reveal`)
    expect(revealed.headers).toMatchObject({ 'cache-control': 'no-store' })
  })
})

test('of changes at once that know the same state one wins, and the others change nothing', async () => {
  const api = await startApi()
  const { client, ids } = await ground(api)
  for (const [path, call, bodyOf] of [
    [`/v1/addons/${ids.addonId}`, client, (n: number) => ({ labels: { n: String(n) } })],
    [`/v1/tenants/${ids.tenantId}`, api.platform, (n: number) => ({ name: `name ${n}` })],
  ] as const) {
    const { etag } = (await call('GET', path)).headers
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, n) => call('PATCH', path, bodyOf(n), ifMatch(etag))),
    )
    const won = answers.filter(({ statusCode }) => statusCode === 200)
    expect(won).toHaveLength(1)
    expect(answers.filter(({ statusCode }) => statusCode === 412)).toHaveLength(7)
    expect((await call('GET', path)).json()).toEqual(won[0]?.json())
  }
})

describe('deletion protection', () => {
  test('and a deletion at once: either it is protected and stays, or it goes and takes no change any more', async () => {
    const api = await startApi()
    const { client } = await api.newTenant(SCOPES)
    for (let round = 0; round < 10; round++) {
      const { id } = await availableAddon(api.db, client)
      const [changed, deleted] = await Promise.all([
        client('PATCH', `/v1/addons/${id}`, { deletionProtection: true }),
        client('DELETE', `/v1/addons/${id}`),
      ])
      const addon = (await client('GET', `/v1/addons/${id}`)).json()
      if (changed.statusCode === 200) {
        expect(codeOf(deleted)).toBe('deletion-protected')
        expect(addon).toMatchObject({ deletionProtection: true, status: 'available' })
      } else {
        expect([codeOf(changed), deleted.statusCode]).toEqual(['addon-not-available', 202])
        expect(addon).toMatchObject({ deletionProtection: false, status: 'deleting' })
      }
    }
  })

  test('keeps the tenant, too', async () => {
    const api = await startApi()
    const { client, id } = await api.newTenant(SCOPES)
    await client('POST', '/v1/addons', { name: 'shop', deletionProtection: true })
    expect(codeOf(await api.platform('DELETE', `/v1/tenants/${id}`))).toBe('tenant-not-empty')
    expect((await client('GET', '/v1/addons')).json().data).toHaveLength(1)
  })
})
