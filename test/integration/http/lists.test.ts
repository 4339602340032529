import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { placeEvents } from '../../../src/db/event-positions.ts'
import { addSeconds, momentOfMicros } from '../../../src/domain/moment.ts'
import { SCOPES } from '../../../src/domain/scopes.ts'
import { documentedOperations, fill, type Operation } from './openapi-operations.ts'
import {
  type Api,
  activeCredential,
  availableAddon,
  type Client,
  completeBackup,
  startApi,
  webhookEndpoint,
} from './test-api.ts'

const lists = async () =>
  (await documentedOperations()).filter(({ queryParameters }) => queryParameters.includes('cursor'))

/** Ids tell when they were made by the clock of the machine, so the API goes by it, too. */
const startNow = () => startApi({ now: () => momentOfMicros(BigInt(Date.now()) * 1000n) })

/** A tenant with several of everything. */
async function fullTenant(api: Api) {
  const { id: tenantId, client } = await api.newTenant(SCOPES)
  const addon = await availableAddon(api.db, client)
  await completeBackup(api.db, addon)
  await completeBackup(api.db, addon)
  await client('POST', `/v1/addons/${addon.id}/drills`, {})
  await api.db.updateTable('drill').set({ status: 'failed', finished_at: sql`now()` }).execute()
  await client('POST', `/v1/addons/${addon.id}/drills`, {})
  for (const name of ['one', 'two']) {
    await client('POST', `/v1/addons/${addon.id}/restore-points`, { name })
    await client('POST', `/v1/addons/${addon.id}/restores`, { target: { latest: true } })
    await api.platform('POST', `/v1/tenants/${tenantId}/api-keys`, { name })
    await api.platform('POST', '/v1/platform-keys', { name })
    await activeCredential(api.db, client, addon.id, name)
  }
  const { endpointId } = await webhookEndpoint(client)
  await client('POST', `/v1/webhook-endpoints/${endpointId}/test`)
  await webhookEndpoint(client)
  await placeEvents(api.db)
  return { client, ids: { tenantId, addonId: addon.id, endpointId } }
}

const callerOf = (api: Api, client: Client, { platformOnly }: Operation) =>
  platformOnly ? api.platform : client

const dataOf = async (
  call: Client,
  path: string,
): Promise<{ id: string; status: string; createdAt: string }[]> => {
  const response = await call('GET', path)
  expect(response.statusCode, `${path}: ${response.body}`).toBe(200)
  // Entries of the audit log are not created: they say when something was done.
  return response.json().data.map((each: { at?: string }) => ({ createdAt: each.at, ...each }))
}

describe('every list', () => {
  test('links to its next page with all its filters, and the pages together are the whole', async () => {
    const api = await startNow()
    const { client, ids } = await fullTenant(api)
    await api.newTenant(SCOPES)
    for (const operation of await lists()) {
      const call = callerOf(api, client, operation)
      const path = fill(operation.path, ids)
      const all = await dataOf(call, path)
      expect(all.length, operation.id).toBeGreaterThan(1)
      const seen: string[] = []
      const filter = `createdAfter=${encodeURIComponent('2020-01-01T01:00:00+01:00')}`
      for (let next: string | undefined = `${path}?limit=1&${filter}`; next !== undefined; ) {
        const page = await call('GET', next)
        const cursor: string | null = page.json().nextCursor
        seen.push(...page.json().data.map(({ id }: { id: string }) => id))
        expect(next, operation.id).toContain(filter)
        next = /^<(.*)>; rel="next"$/.exec(String(page.headers['link']))?.[1]
        expect(next === undefined, operation.id).toBe(cursor === null)
      }
      expect(seen, operation.id).toEqual(all.map(({ id }) => id))
    }
  })

  test('is filtered by when things were created, to the microsecond', async () => {
    const api = await startNow()
    const { client, ids } = await fullTenant(api)
    await api.newTenant(SCOPES)
    for (const operation of await lists()) {
      const call = callerOf(api, client, operation)
      const path = fill(operation.path, ids)
      const all = await dataOf(call, path)
      const middle = all.map(({ createdAt }) => createdAt).sort()[1] ?? ''
      const idsWhere = async (filter: string) => (await dataOf(call, `${path}?${filter}`)).map(({ id }) => id)
      const expected = (keeps: (createdAt: string) => boolean) =>
        all.filter(({ createdAt }) => keeps(createdAt)).map(({ id }) => id)
      expect(await idsWhere(`createdAfter=${middle}`), operation.id).toEqual(expected((at) => at > middle))
      expect(await idsWhere(`createdBefore=${middle}`), operation.id).toEqual(expected((at) => at < middle))
      const around = `createdAfter=${addSeconds(middle, -0.000001)}&createdBefore=${addSeconds(middle, 0.000001)}`
      expect(await idsWhere(around), operation.id).toEqual(expected((at) => at === middle))
    }
  })

  test('is filtered by status, where its things have one', async () => {
    const api = await startNow()
    const { client, ids } = await fullTenant(api)
    const filtered = (await lists()).filter(({ queryParameters }) => queryParameters.includes('status'))
    expect(filtered.map(({ id }) => id).sort()).toEqual([
      'listAddons',
      'listBackups',
      'listDrills',
      'listOperations',
      'listRestorePoints',
      'listRestores',
      'listWebhookDeliveries',
    ])
    for (const { id, path } of filtered) {
      const all = await dataOf(client, fill(path, ids))
      for (const status of new Set(all.map((each) => each.status))) {
        const some = await dataOf(client, `${fill(path, ids)}?status=${status}`)
        expect(some, id).toEqual(all.filter((each) => each.status === status))
      }
      const unknown = await client('GET', `${fill(path, ids)}?status=nonsense`)
      expect(unknown.json(), id).toMatchObject({ status: 400, errors: [{ parameter: 'status' }] })
    }
  })
})

describe('labels', () => {
  test('that are asked for have to match all of them, as they are now', async () => {
    const { newTenant, db, platform } = await startApi()
    const [one, other] = [await newTenant(SCOPES), await newTenant()]
    const make = async ({ client }: typeof one, name: string, labels: Record<string, string>) =>
      (await client('POST', '/v1/addons', { name, labels })).json().id as string
    const a = await make(one, 'a', { app: 'shop', stage: 'prod', url: 'http://x:80/' })
    const b = await make(one, 'b', { app: 'shop', stage: 'test' })
    const c = await make(other, 'c', { app: 'shop', stage: 'prod' })
    const found = async (client: Client, ...labels: string[]) => {
      const query = labels.map((label) => `label=${encodeURIComponent(label)}`).join('&')
      return (await dataOf(client, `/v1/addons?${query}`)).map(({ id }) => id)
    }
    expect(await found(one.client, 'app:shop')).toEqual([a, b])
    expect(await found(one.client, 'app:shop', 'stage:prod')).toEqual([a])
    expect(await found(one.client, 'url:http://x:80/')).toEqual([a])
    expect(await found(one.client, 'app:')).toEqual([])
    expect(await found(platform, 'app:shop', 'stage:prod')).toEqual([a, c])

    await one.client('PATCH', `/v1/addons/${b}`, { labels: { stage: 'prod' } })
    expect(await found(one.client, 'stage:prod')).toEqual([a, b])
    expect(await found(one.client, 'app:shop')).toEqual([a])
    await db.updateTable('addon').set({ deleted_at: sql`now()` }).where('id', '=', a).execute()
    expect(await found(one.client, 'stage:prod')).toEqual([b])
    const kept = await db.selectFrom('addon_label').select('addon_id').where('addon_id', '=', a).execute()
    expect(kept).toEqual([])
  })

  test.each(['app', ':shop', 'a%20b:c', 'app:%00'])('%s is no label to ask for', async (label) => {
    const { newTenant } = await startApi()
    const { client } = await newTenant(SCOPES)
    const response = await client('GET', `/v1/addons?label=${label}`)
    expect(response.json()).toMatchObject({ status: 400, errors: [{ parameter: 'label' }] })
  })
})

test('no operation takes a query parameter that it does not know, or one twice', async () => {
  const api = await startApi()
  const { client, ids } = await fullTenant(api)
  for (const operation of await documentedOperations()) {
    const { id, method, path, pathParameters } = operation
    if (pathParameters.some((name) => !(name in ids))) continue
    const call = callerOf(api, client, operation)
    const response = await call(method, `${fill(path, ids)}?nonsense=1`, operation.body)
    expect(response.json(), id).toMatchObject({ status: 400, errors: [{ parameter: 'nonsense' }] })
    if (!operation.queryParameters.includes('limit')) continue
    for (const query of ['limit=1&limit=2', 'createdAfter=2026-01-01', 'createdBefore=now']) {
      const wrong = await call('GET', `${fill(path, ids)}?${query}`)
      const [parameter] = query.split('=')
      expect(wrong.json(), `${id} ${query}`).toMatchObject({ status: 400, errors: [{ parameter }] })
    }
  }
})
