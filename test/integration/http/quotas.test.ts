import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { type Api, availableAddon, codeOf, completeBackup, startApi } from './test-api.ts'

const setQuotas = ({ platform }: Api, tenantId: string, quotas: object) =>
  platform('PATCH', `/v1/tenants/${tenantId}`, { quotas })

const LATEST = { target: { latest: true } }

test('of 50 add-ons that are asked for at once as many come into being as the quota has room for', async () => {
  const api = await startApi()
  const { id, client } = await api.newTenant()
  await setQuotas(api, id, { addons: 7 })
  const names = Array.from({ length: 50 }, (_, n) => `db-${n}`)
  const answers = await Promise.all(names.map((name) => client('POST', '/v1/addons', { name })))
  expect(answers.filter(({ statusCode }) => statusCode === 202)).toHaveLength(7)
  const refused = answers.filter(({ statusCode }) => statusCode !== 202)
  for (const answer of refused) {
    expect(codeOf(answer)).toBe('quota-exceeded')
    expect(answer.json()).toMatchObject({ status: 409, quota: 'addons', limit: 7, used: 7 })
  }
})

test('of 20 restores that are asked for at once as many are recorded as the hour has left', async () => {
  const api = await startApi()
  const { id, client } = await api.newTenant()
  const addon = await availableAddon(api.db, client)
  await completeBackup(api.db, addon)
  await setQuotas(api, id, { restoresPerHour: 3 })
  const path = `/v1/addons/${addon.id}/restores`
  const answers = await Promise.all(Array.from({ length: 20 }, () => client('POST', path, LATEST)))
  expect(answers.filter(({ statusCode }) => statusCode === 202)).toHaveLength(3)
  const refused = answers.filter(({ statusCode }) => statusCode !== 202)
  expect(refused.map(codeOf)).toEqual(refused.map(() => 'restore-rate-exceeded'))
})

test('Retry-After of a refused restore is when there is room for one again', async () => {
  const api = await startApi()
  const { id, client } = await api.newTenant()
  const addon = await availableAddon(api.db, client)
  await completeBackup(api.db, addon)
  await setQuotas(api, id, { restoresPerHour: 2 })
  const path = `/v1/addons/${addon.id}/restores`
  for (const minutes of [50, 20]) {
    const { id: restoreId } = (await client('POST', path, LATEST)).json()
    await sql`update restore set created_at = now() - make_interval(mins => ${minutes}) where id = ${restoreId}`.execute(
      api.db,
    )
  }
  const refused = await client('POST', path, LATEST)
  expect(refused.statusCode).toBe(429)
  const seconds = Number(refused.headers['retry-after'])
  expect(seconds).toBeGreaterThan(9 * 60)
  expect(seconds).toBeLessThanOrEqual(10 * 60)

  await sql`update restore set created_at = created_at - make_interval(secs => ${seconds})`.execute(api.db)
  expect((await client('POST', path, LATEST)).statusCode).toBe(202)
})

test('the child of a restore counts as an add-on, a drill does not', async () => {
  const api = await startApi()
  const { id, client } = await api.newTenant()
  const addon = await availableAddon(api.db, client)
  await completeBackup(api.db, addon)
  await setQuotas(api, id, { addons: 2 })
  expect((await client('POST', `/v1/addons/${addon.id}/drills`, {})).statusCode).toBe(202)
  expect((await client('POST', `/v1/addons/${addon.id}/restores`, LATEST)).statusCode).toBe(202)
  expect(codeOf(await client('POST', `/v1/addons/${addon.id}/restores`, LATEST))).toBe('quota-exceeded')
})

test('beyond the storage quota there are no new add-ons, restores or backups, until there is room', async () => {
  const api = await startApi()
  const { id, client } = await api.newTenant()
  const addon = await availableAddon(api.db, client)
  await completeBackup(api.db, addon)
  const store = (bytes: number) =>
    api.db.updateTable('archive').set({ stored_bytes: bytes }).where('tenant_id', '=', id).execute()
  const wishes = [
    ['/v1/addons', { name: 'another' }],
    [`/v1/addons/${addon.id}/restores`, LATEST],
    [`/v1/addons/${addon.id}/backups`, {}],
  ] as const
  await setQuotas(api, id, { storageBytes: 1_000_000 })
  await store(1_000_000)
  for (const [path, body] of wishes) {
    const answer = await client('POST', path, body)
    expect(answer.json(), path).toMatchObject({ status: 409, quota: 'storageBytes', used: 1_000_000 })
  }
  expect((await client('POST', `/v1/addons/${addon.id}/restore-points`, { name: 'a' })).statusCode).toBe(202)
  await store(999_999)
  for (const [path, body] of wishes) expect((await client('POST', path, body)).statusCode, path).toBe(202)
})

test('a quota of one tenant is no other’s', async () => {
  const api = await startApi({ platformQuotas: { addons: 1, storageBytes: null, restoresPerHour: null } })
  const [first, second] = [await api.newTenant(), await api.newTenant()]
  expect((await first.client('POST', '/v1/addons', { name: 'shop' })).statusCode).toBe(202)
  expect((await first.client('POST', '/v1/addons', { name: 'more' })).statusCode).toBe(409)
  expect((await second.client('POST', '/v1/addons', { name: 'shop' })).statusCode).toBe(202)
})

test('usage stands beside the quotas, for the platform and for the tenant itself', async () => {
  const api = await startApi({ platformQuotas: { addons: 9, storageBytes: null, restoresPerHour: 4 } })
  const { id, client } = await api.newTenant()
  const addon = await availableAddon(api.db, client)
  await completeBackup(api.db, addon)
  await client('POST', `/v1/addons/${addon.id}/restores`, LATEST)
  await api.db.updateTable('archive').set({ stored_bytes: 5 }).where('tenant_id', '=', id).execute()
  expect((await setQuotas(api, id, { restoresPerHour: null })).json()).toMatchObject({
    quotas: { restoresPerHour: null },
    effectiveQuotas: { addons: 9, storageBytes: null, restoresPerHour: null },
  })
  const usage = {
    addons: { used: 2, limit: 9 },
    storageBytes: { used: 10, limit: null },
    restoresPerHour: { used: 1, limit: null },
    concurrentOperations: { used: 0, limit: 4, queued: 1 },
  }
  expect((await client('GET', `/v1/tenants/${id}/usage`)).json()).toEqual(usage)
  expect((await api.platform('GET', `/v1/tenants/${id}/usage`)).json()).toEqual(usage)
})
