import { expect, test } from 'vitest'
import { placeEvents } from '../../../src/db/event-positions.ts'
import { newId } from '../../../src/domain/ids.ts'
import { documentedOperations, fill } from './openapi-operations.ts'
import {
  type Api,
  availableAddon,
  codeOf,
  completeBackup,
  finishOperations,
  rowCounts,
  startApi,
} from './test-api.ts'

/** A tenant that has one of everything. */
async function richTenant({ db, newTenant }: Api) {
  const { id: tenantId, client, keyId: apiKeyId } = await newTenant()
  const addon = await availableAddon(db, client)
  const backupId = await completeBackup(db, addon)
  const restore = (
    await client('POST', `/v1/addons/${addon.id}/restores`, { target: { latest: true } })
  ).json()
  const point = (
    await client('POST', `/v1/addons/${addon.id}/restore-points`, { name: 'before-upgrade' })
  ).json()
  const drill = (await client('POST', `/v1/addons/${addon.id}/drills`, {})).json()
  const operation = (await client('GET', `/v1/operations?addonId=${restore.childAddonId}`)).json().data[0]
  await finishOperations(db, addon.id)
  await placeEvents(db)
  return {
    client,
    ids: {
      tenantId,
      apiKeyId,
      addonId: addon.id,
      backupId,
      restoreId: restore.id,
      restorePointId: point.id,
      drillId: drill.id,
      operationId: operation.id,
    },
  }
}

function unknownIds(): Record<string, string> {
  const [tenantId, apiKeyId, addonId] = [newId('tenant'), newId('apiKey'), newId('addon')]
  return {
    tenantId,
    apiKeyId,
    addonId,
    backupId: newId('backup'),
    restoreId: newId('restore'),
    restorePointId: newId('restorePoint'),
    drillId: newId('drill'),
    operationId: newId('operation'),
  }
}

test('for a key of another tenant what a tenant has does not exist, and nothing happens to it', async () => {
  const api = await startApi()
  const victim = await richTenant(api)
  const stranger = await api.newTenant()
  const before = await rowCounts(api.db)

  for (const operation of await documentedOperations()) {
    const { method, path, body, id } = operation
    if (operation.pathParameters.length === 0) continue
    const foreign = await stranger.client(method, fill(path, victim.ids), body)
    const unknown = await stranger.client(method, fill(path, unknownIds()), body)
    expect(foreign.statusCode, id).toBe(operation.platformOnly ? 403 : 404)
    const { instance: _, ...answer } = foreign.json()
    expect(unknown.json(), id).toMatchObject(answer)
  }
  expect(await rowCounts(api.db)).toEqual(before)
})

test('an API key is not reached through another tenant, and by no tenant at all', async () => {
  const api = await startApi()
  const victim = await api.newTenant()
  const stranger = await api.newTenant()
  const path = `/v1/tenants/${stranger.id}/api-keys/${victim.keyId}`
  expect(codeOf(await api.platform('DELETE', path))).toBe('api-key-not-found')
  expect(codeOf(await stranger.client('DELETE', path))).toBe('forbidden')
  expect((await victim.client('GET', '/v1/addons')).statusCode).toBe(200)
})

test('lists of another tenant show nothing of a tenant, and filters by its ids find nothing', async () => {
  const api = await startApi()
  const victim = await richTenant(api)
  const stranger = await api.newTenant()
  for (const {
    id,
    method,
    path,
    queryParameters,
    pathParameters,
    platformOnly,
    streams,
  } of await documentedOperations()) {
    if (method !== 'GET' || pathParameters.length > 0 || platformOnly || streams) continue
    const shown = (await stranger.client('GET', path)).json().data as { tenantId: string }[]
    expect(
      shown.filter(({ tenantId }) => tenantId !== stranger.id),
      id,
    ).toEqual([])
    expect((await victim.client('GET', path)).json().data.length, id).toBeGreaterThan(0)
    for (const name of queryParameters.filter(
      (parameter) => parameter.endsWith('Id') && parameter !== 'resourceId',
    )) {
      const foreign = await stranger.client('GET', `${path}?${name}=${victim.ids[name as 'addonId']}`)
      expect(foreign.statusCode, `${id} by ${name}`).toBe(404)
    }
  }
})

test('by the id of a resource of another tenant nothing is found, as by one that is none', async () => {
  const api = await startApi()
  const victim = await richTenant(api)
  const stranger = await api.newTenant()
  for (const { id, path, queryParameters, streams } of await documentedOperations()) {
    if (!queryParameters.includes('resourceId') || streams) continue
    for (const resourceId of [...Object.values(victim.ids), ...Object.values(unknownIds())]) {
      const answer = await stranger.client('GET', `${path}?resourceId=${resourceId}`)
      expect(answer.json(), id).toEqual({ data: [], nextCursor: null })
    }
  }
})

test('a tenant cannot create anything for another tenant', async () => {
  const api = await startApi()
  const [victim, stranger] = [await api.newTenant(), await api.newTenant()]
  const response = await stranger.client('POST', '/v1/addons', { name: 'shop-db', tenantId: victim.id })
  expect(codeOf(response)).toBe('tenant-not-found')
  expect(await rowCounts(api.db)).toMatchObject({ addon: 0 })
})

test('the tenant itself and the platform read all of it', async () => {
  const api = await startApi()
  const { client, ids } = await richTenant(api)
  for (const { id, method, path, platformOnly } of await documentedOperations()) {
    if (method !== 'GET') continue
    expect((await api.platform('GET', fill(path, ids))).statusCode, id).toBe(200)
    if (!platformOnly) expect((await client('GET', fill(path, ids))).statusCode, id).toBe(200)
  }
})

test('ids that are none are 404, whatever is in them', async () => {
  const api = await startApi()
  const odd = [
    'x',
    '%00',
    'addon_%00',
    '..%2f..',
    'addon_00000000000000000000000000',
    "'",
    encodeURIComponent('\u{1f600}'),
  ]
  for (const { id, method, path, pathParameters, body } of await documentedOperations()) {
    if (pathParameters.length === 0) continue
    for (const text of odd) {
      const ids = Object.fromEntries(pathParameters.map((name) => [name, text]))
      const response = await api.platform(method, fill(path, ids), body)
      expect(response.statusCode, `${id} ${text}`).toBe(404)
    }
  }
})
