import { expect, test } from 'vitest'
import { fill } from './openapi-operations.ts'
import { codeOf, rowCounts, startApi } from './test-api.ts'
import { foreignIdFaults, readingFaults, refusalFaults, scopeFaults } from './wall/faults.ts'
import { layGround, rowsOf } from './wall/ground.ts'
import { faultsOf, hiddenRoutes, operationsIn } from './wall/operations.ts'
import { unknownIds, unknownPlaces } from './wall/requests.ts'

test('every operation and everything that it takes is tried here', async () => {
  const api = await startApi()
  const hidden = hiddenRoutes(api)
  const operations = await operationsIn(api)
  expect(operations.length).toBeGreaterThan(30)
  expect(operations.flatMap(unknownPlaces)).toEqual([])
  expect(await hidden(operations)).toEqual([])
})

test('for a key of another tenant what a tenant has does not exist, by no answer and no statement, and nothing happens to it', async () => {
  const api = await startApi()
  const ground = await layGround(api)
  const before = await rowsOf(ground)
  const operations = await operationsIn(api)
  expect(await faultsOf(ground, operations, foreignIdFaults)).toEqual([])
  expect(await faultsOf(ground, operations, readingFaults)).toEqual([])
  expect(await rowsOf(ground)).toEqual(before)
})

test('by the id of a resource of another tenant no more is found than by one that nothing has', async () => {
  const api = await startApi()
  const { victim, stranger } = await layGround(api)
  const byResource = (await operationsIn(api)).filter(
    ({ queryParameters, streams }) => queryParameters.includes('resourceId') && !streams,
  )
  expect(byResource.map(({ id }) => id).sort()).toEqual(['listAuditLog', 'listEvents'])
  for (const { id, path } of byResource) {
    for (const resourceId of [...Object.values(victim.ids), ...Object.values(unknownIds())]) {
      const answer = await stranger.client('GET', `${path}?resourceId=${resourceId}`)
      expect(answer.json(), id).toEqual({ data: [], nextCursor: null })
    }
  }
})

test('each operation needs each of its scopes and no other, and without them tells and changes nothing', async () => {
  const api = await startApi()
  const ground = await layGround(api)
  const before = await rowsOf(ground)
  expect(await faultsOf(ground, await operationsIn(api), scopeFaults)).toEqual([])
  expect(await rowsOf(ground)).toEqual(before)
})

test('a missing, malformed, unknown, expired, revoked or rotated key opens nothing, and they are not told apart', async () => {
  const api = await startApi()
  const ground = await layGround(api)
  const before = await rowsOf(ground)
  expect(await faultsOf(ground, await operationsIn(api), refusalFaults)).toEqual([])
  expect(await rowsOf(ground)).toEqual(before)
})

test('the tenant itself and the platform read all of it', async () => {
  const api = await startApi()
  const { victim } = await layGround(api)
  for (const { id, method, path, platformOnly, streams } of await operationsIn(api)) {
    if (method !== 'GET' || streams) continue
    for (const client of platformOnly ? [api.platform] : [api.platform, victim.client]) {
      const response = await client('GET', fill(path, victim.ids))
      expect(response.statusCode, `${id}: ${response.body}`).toBe(200)
      const isJson = String(response.headers['content-type']).startsWith('application/json')
      if (isJson) expect(response.json().data ?? ['no list'], id).not.toEqual([])
    }
  }
})

test('an API key is not reached through another tenant, and one of the platform through none', async () => {
  const api = await startApi()
  const { victim, stranger } = await layGround(api)
  const keys = `/v1/tenants/${stranger.ids['tenantId']}/api-keys`
  for (const client of [api.platform, stranger.client]) {
    for (const id of [victim.ids['apiKeyId'], victim.ids['platformKeyId']]) {
      expect(codeOf(await client('DELETE', `${keys}/${id}`))).toBe('api-key-not-found')
      expect(codeOf(await client('POST', `${keys}/${id}/rotate`, {}))).toBe('api-key-not-found')
    }
  }
  const platformKey = `/v1/platform-keys/${victim.ids['apiKeyId']}`
  expect(codeOf(await api.platform('DELETE', platformKey))).toBe('api-key-not-found')
})

test('a tenant cannot create anything for another tenant', async () => {
  const api = await startApi()
  const [victim, stranger] = [await api.newTenant(), await api.newTenant()]
  const response = await stranger.client('POST', '/v1/addons', { name: 'shop-db', tenantId: victim.id })
  expect(codeOf(response)).toBe('tenant-not-found')
  expect(await rowCounts(api.db)).toMatchObject({ addon: 0 })
})

test('ids that are none are 404, whatever is in them', async () => {
  const api = await startApi()
  const emoji = encodeURIComponent('\u{1f600}')
  const odd = ['x', '%00', 'addon_%00', '..%2f..', 'addon_00000000000000000000000000', "'", emoji]
  for (const { id, method, path, pathParameters, body } of await operationsIn(api)) {
    if (pathParameters.length === 0) continue
    for (const text of odd) {
      const ids = Object.fromEntries(pathParameters.map((name) => [name, text]))
      const response = await api.platform(method, fill(path, ids), body)
      expect(response.statusCode, `${id} ${text}`).toBe(404)
    }
  }
})
