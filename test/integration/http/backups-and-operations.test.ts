import { describe, expect, test } from 'vitest'
import { availableAddon, codeOf, completeBackup, startApi } from './test-api.ts'

describe('POST /v1/addons/{addonId}/backups', () => {
  test('202 records the backup and opens the operation that takes it', async () => {
    const { db, newTenant } = await startApi()
    const { client } = await newTenant()
    const { id } = await availableAddon(db, client)
    const response = await client('POST', `/v1/addons/${id}/backups`, { type: 'incremental' })
    expect(response.statusCode).toBe(202)
    const backup = response.json()
    expect(response.headers.location).toBe(`/v1/backups/${backup.id}`)
    expect(backup).toMatchObject({ addonId: id, type: 'incremental', status: 'queued', sizeBytes: null })
    expect((await client('GET', `/v1/backups/${backup.id}`)).json()).toEqual(backup)
    expect((await client('GET', `/v1/addons/${id}/backups`)).json().data).toEqual([backup])
    const operation = db.selectFrom('operation').selectAll().where('kind', '=', 'backup.take')
    expect(await operation.execute()).toMatchObject([{ memo: { backupId: backup.id, type: 'incremental' } }])
  })

  test('of several requests at the same time one is accepted, the others are 409 and leave nothing', async () => {
    const { db, newTenant } = await startApi()
    const { client } = await newTenant()
    const { id } = await availableAddon(db, client)
    const responses = await Promise.all(
      Array.from({ length: 4 }, () => client('POST', `/v1/addons/${id}/backups`, { type: 'full' })),
    )
    const codes = responses.map((response) => (response.statusCode === 202 ? 'accepted' : codeOf(response)))
    expect(codes.toSorted()).toEqual(['accepted', ...Array(3).fill('operation-in-progress')])
    expect((await client('GET', `/v1/addons/${id}/backups`)).json().data).toHaveLength(1)
  })

  test('without a body a full backup is taken', async () => {
    const { db, newTenant } = await startApi()
    const { client } = await newTenant()
    const { id } = await availableAddon(db, client)
    const response = await client('POST', `/v1/addons/${id}/backups`)
    expect(response.statusCode).toBe(202)
    expect(response.json()).toMatchObject({ type: 'full', status: 'queued', scheduled: false })
  })

  test('409 while the add-on is not available', async () => {
    const { newTenant } = await startApi()
    const { client } = await newTenant()
    const { id } = (await client('POST', '/v1/addons', { name: 'shop-db' })).json()
    expect(codeOf(await client('POST', `/v1/addons/${id}/backups`, { type: 'full' }))).toBe(
      'addon-not-available',
    )
  })
})

describe('GET /v1/operations/{operationId}', () => {
  test('shows the steps with times and attempts, and not what operators only should see', async () => {
    const { db, newTenant } = await startApi()
    const { client } = await newTenant()
    const { id: addonId } = (await client('POST', '/v1/addons', { name: 'shop-db' })).json()
    const [listed] = (await client('GET', `/v1/operations?addonId=${addonId}`)).json().data
    const visit = {
      operation_id: listed.id,
      ordinal: 1,
      step: 'create-instance',
      attempts: 3,
      error: 'no /var/lib/x',
    }
    const entered_at = '2026-11-23T14:00:00.123456Z'
    await db
      .insertInto('operation_step')
      .values({ ...visit, entered_at })
      .execute()
    const response = await client('GET', `/v1/operations/${listed.id}`)
    expect(response.json()).toEqual({
      ...listed,
      steps: [{ step: 'create-instance', enteredAt: entered_at, leftAt: null, attempts: 3 }],
    })
    expect(listed).toMatchObject({
      kind: 'addon.provision',
      status: 'queued',
      addonId,
      cancelRequested: false,
    })
    expect(response.body).not.toContain('/var/lib')
  })
})

describe('lists', () => {
  test('following nextCursor gives everything once, in order of creation', async () => {
    const { newTenant } = await startApi()
    const { client } = await newTenant()
    const created: string[] = []
    for (const name of ['a', 'b', 'c', 'd', 'e'])
      created.push((await client('POST', '/v1/addons', { name })).json().id)
    const seen: string[] = []
    for (let query = '?limit=2'; query !== ''; ) {
      const { data, nextCursor } = (await client('GET', `/v1/addons${query}`)).json()
      seen.push(...data.map((addon: { id: string }) => addon.id))
      query = nextCursor === null ? '' : `?limit=2&cursor=${nextCursor}`
    }
    expect(new Set(seen).size).toBe(5)
    expect(seen).toEqual(created.toSorted())
  })

  test('restores are found by source and by status', async () => {
    const { db, newTenant } = await startApi()
    const { client } = await newTenant()
    const [one, two] = [await availableAddon(db, client), await availableAddon(db, client)]
    const ids = []
    for (const source of [one, two]) {
      await completeBackup(db, source)
      ids.push(
        (await client('POST', `/v1/addons/${source.id}/restores`, { target: { latest: true } })).json().id,
      )
    }
    const [first = '', second = ''] = ids
    await db.updateTable('restore').set({ status: 'running' }).where('id', '=', second).execute()
    const found = async (query: string) =>
      (await client('GET', `/v1/restores?${query}`)).json().data.map((restore: { id: string }) => restore.id)
    expect(await found(`addonId=${one.id}`)).toEqual([first])
    expect(await found('status=running')).toEqual([second])
    expect(await found(`addonId=${one.id}&status=running`)).toEqual([])
  })

  test('a platform key lists all tenants, or the one it names', async () => {
    const { newTenant, platform } = await startApi()
    const [one, two] = [await newTenant(), await newTenant()]
    for (const { client } of [one, two]) await client('POST', '/v1/addons', { name: 'shop-db' })
    const tenantsOf = async (path: string) =>
      (await platform('GET', path)).json().data.map((addon: { tenantId: string }) => addon.tenantId)
    expect((await tenantsOf('/v1/addons')).sort()).toEqual([one.id, two.id].sort())
    expect(await tenantsOf(`/v1/addons?tenantId=${two.id}`)).toEqual([two.id])
  })
})
