import { expect, test } from 'vitest'
import { availableAddon, codeOf, completeBackup, finishOperations, rowCounts, startApi } from './test-api.ts'

async function begun() {
  const api = await startApi()
  const { id: tenantId, client } = await api.newTenant()
  const addon = await availableAddon(api.db, client)
  await completeBackup(api.db, addon)
  const created = await client('POST', `/v1/addons/${addon.id}/drills`)
  const row = await api.db.selectFrom('drill').selectAll().executeTakeFirstOrThrow()
  return { ...api, tenantId, client, addon, created, row }
}

test('202 with the drill, its audit entry, its event, and its first operation rung for', async () => {
  const { db, client, addon, created, row, rung } = await begun()
  expect(created.statusCode).toBe(202)
  expect(created.headers['location']).toBe(`/v1/drills/${row.id}`)
  expect(created.json()).toMatchObject({ status: 'queued', scheduled: false, addonId: addon.id, checks: [] })
  expect((await client('GET', `/v1/addons/${addon.id}/drills`)).json().data).toEqual([created.json()])

  const operation = db.selectFrom('operation').selectAll().where('server_id', '=', row.child_server_id)
  const { id, kind } = await operation.executeTakeFirstOrThrow()
  expect(kind).toBe('drill.verify')
  expect(rung).toContainEqual({ operationId: id, version: 1 })
  const event = db.selectFrom('outbox_event').select('payload').where('type', '=', 'drill.queued')
  expect((await event.executeTakeFirstOrThrow()).payload).toMatchObject({ drillId: row.id })
  const entry = db.selectFrom('audit_entry').select('resource_id').where('action', '=', 'drill.create')
  expect((await entry.executeTakeFirstOrThrow()).resource_id).toBe(row.id)
})

test('what a drill restores is not to be seen, kept, logged in to or restored from', async () => {
  const { db, client, addon, row } = await begun()
  const child = row.child_addon_id
  // As if it were there for anybody.
  await db.updateTable('addon').set({ status: 'available' }).where('id', '=', child).execute()
  await db.updateTable('server').set({ port: 20_001 }).where('id', '=', row.child_server_id).execute()
  const requests = [
    ['GET', `/v1/addons/${child}`, undefined],
    ['PATCH', `/v1/addons/${child}`, { name: 'kept' }],
    ['DELETE', `/v1/addons/${child}`, undefined],
    ['POST', `/v1/addons/${child}/credentials/reveal`, undefined],
    ['POST', `/v1/addons/${child}/restores`, { target: { latest: true } }],
    ['POST', `/v1/addons/${child}/backups`, undefined],
    ['POST', `/v1/addons/${child}/drills`, undefined],
    ['GET', `/v1/restores?addonId=${child}`, undefined],
  ] as const
  for (const [method, path, body] of requests)
    expect((await client(method, path, body)).statusCode, `${method} ${path}`).toBe(404)

  const listed: { id: string }[] = (await client('GET', '/v1/addons')).json().data
  expect(listed.map(({ id }) => id)).toEqual([addon.id])
  expect((await client('GET', '/v1/restores')).json().data).toEqual([])
  const restore = await db.selectFrom('restore').select('id').executeTakeFirstOrThrow()
  expect((await client('GET', `/v1/restores/${restore.id}`)).statusCode).toBe(404)
  expect((await client('POST', `/v1/restores/${restore.id}/cancel`)).statusCode).toBe(404)
})

test('409 while a drill of the add-on goes on, and another one once it has ended', async () => {
  const { db, client, addon, row } = await begun()
  const before = await rowCounts(db)
  const again = await client('POST', `/v1/addons/${addon.id}/drills`)
  expect([again.statusCode, codeOf(again)]).toEqual([409, 'drill-in-progress'])
  expect(await rowCounts(db)).toEqual(before)
  const ended = { status: 'succeeded', finished_at: row.created_at } as const
  await db.updateTable('drill').set(ended).where('id', '=', row.id).execute()
  expect((await client('POST', `/v1/addons/${addon.id}/drills`)).statusCode).toBe(202)
})

test('409 where there is nothing to restore yet, or only damaged and expired backups', async () => {
  const { db, newTenant } = await startApi()
  const { client } = await newTenant()
  const addon = await availableAddon(db, client)
  const drill = async () => codeOf(await client('POST', `/v1/addons/${addon.id}/drills`))
  expect(await drill()).toBe('not-protected-yet')
  const [damaged, expired] = [await completeBackup(db, addon), await completeBackup(db, addon)]
  const at = '2026-11-23T13:30:00.000000Z'
  await db.updateTable('backup').set({ damaged_at: at }).where('id', '=', damaged).execute()
  await db.updateTable('backup').set({ expired_at: at }).where('id', '=', expired).execute()
  expect(await drill()).toBe('not-protected-yet')
  await db.updateTable('addon').set({ status: 'failed' }).where('id', '=', addon.id).execute()
  expect(await drill()).toBe('addon-not-available')
})

test('an add-on can be deleted while it is drilled, which asks the drill to end', async () => {
  const { db, client, addon, row, rung } = await begun()
  expect((await client('DELETE', `/v1/addons/${addon.id}`)).statusCode).toBe(202)
  const operation = db.selectFrom('operation').selectAll().where('server_id', '=', row.child_server_id)
  const { id, cancel_requested: cancelled, version } = await operation.executeTakeFirstOrThrow()
  expect(cancelled).toBe(true)
  expect(rung).toContainEqual({ operationId: id, version })
})

test('an add-on that is restored while it is drilled cannot be deleted', async () => {
  const { db, client, addon } = await begun()
  await client('POST', `/v1/addons/${addon.id}/restores`, { target: { latest: true } })
  await finishOperations(db, addon.id)
  expect(codeOf(await client('DELETE', `/v1/addons/${addon.id}`))).toBe('restore-in-progress')
})
