import { expect, test } from 'vitest'
import type { Db } from '../../../src/db/client.ts'
import { DEFAULT_POLICY } from '../../../src/domain/backup-policy.ts'
import { availableAddon, completeBackup, startApi } from './test-api.ts'

const settle = (db: Db) => db.updateTable('archive').set({ schedule_stale: false }).execute()
const stale = async (db: Db) => {
  const archives = db.selectFrom('archive').select('server_id').where('schedule_stale', '=', true)
  return (await archives.execute()).map((archive) => archive.server_id)
}

test('an add-on shows its policy as given, and what is in force: its own, its tenant’s, the platform’s', async () => {
  const { platform, newTenant } = await startApi()
  const { id, client } = await newTenant()
  await platform('PATCH', `/v1/tenants/${id}`, { backupPolicy: { retentionDays: 30, retentionFulls: 5 } })
  const backupPolicy = { retentionDays: 14, window: { from: '22:00', to: '04:00' } }
  const created = (await client('POST', '/v1/addons', { name: 'shop-db', backupPolicy })).json()
  expect(created).toMatchObject({
    backupPolicy,
    effectiveBackupPolicy: { ...DEFAULT_POLICY, retentionFulls: 5, ...backupPolicy },
  })
  expect((await client('GET', `/v1/addons/${created.id}`)).json()).toEqual(created)
  expect((await client('GET', '/v1/addons')).json().data).toEqual([created])
})

test('a policy that is changed is replaced as a whole, and one that is not given stays', async () => {
  const { db, platform, newTenant } = await startApi()
  const { id: tenantId, client } = await newTenant()
  const { id } = await availableAddon(db, client)
  await client('PATCH', `/v1/addons/${id}`, { backupPolicy: { retentionDays: 14, retentionFulls: 3 } })
  await client('PATCH', `/v1/addons/${id}`, { backupPolicy: { retentionDays: 9 } })
  const addon = (await client('PATCH', `/v1/addons/${id}`, { labels: { app: 'shop' } })).json()
  expect(addon).toMatchObject({
    backupPolicy: { retentionDays: 9 },
    effectiveBackupPolicy: { retentionFulls: 2 },
  })
  const path = `/v1/tenants/${tenantId}`
  await platform('PATCH', path, { backupPolicy: { retentionDays: 30, retentionFulls: 5 } })
  await platform('PATCH', path, { backupPolicy: { retentionFulls: 6 } })
  const tenant = (await platform('PATCH', path, { name: 'Acme' })).json()
  expect(tenant.backupPolicy).toEqual({ retentionFulls: 6 })
})

test('null turns off for an add-on what its tenant has', async () => {
  const { platform, newTenant } = await startApi()
  const { id, client } = await newTenant()
  const backupPolicy = { window: { from: '01:00', to: '02:00' } }
  await platform('PATCH', `/v1/tenants/${id}`, { backupPolicy })
  const own = { window: null, differentialEvery: null }
  const addon = (await client('POST', '/v1/addons', { name: 'shop-db', backupPolicy: own })).json()
  expect(addon.effectiveBackupPolicy).toMatchObject(own)
})

test('a short time between full backups may be said alone: an inherited one between differentials then has no effect', async () => {
  const { db, platform, newTenant } = await startApi()
  const { id, client } = await newTenant()
  const addon = await availableAddon(db, client)
  const answers = [
    await client('POST', '/v1/addons', { name: 'shop-db', backupPolicy: { fullEvery: 'P1D' } }),
    await client('PATCH', `/v1/addons/${addon.id}`, { backupPolicy: { fullEvery: 'PT6H' } }),
    await platform('PATCH', `/v1/tenants/${id}`, { backupPolicy: { fullEvery: 'P1D' } }),
  ]
  expect(answers.map(({ statusCode }) => statusCode)).toEqual([202, 200, 200])
})

test('schedules are worked out anew: of the add-on that is changed, or of all of the tenant', async () => {
  const { db, platform, newTenant } = await startApi()
  const [{ id, client }, stranger] = [await newTenant(), await newTenant()]
  const [one, two] = [await availableAddon(db, client), await availableAddon(db, client)]
  await availableAddon(db, stranger.client)
  await settle(db)
  await client('PATCH', `/v1/addons/${one.id}`, { labels: { app: 'shop' } })
  await platform('PATCH', `/v1/tenants/${id}`, { name: 'Acme' })
  expect(await stale(db)).toEqual([])
  await client('PATCH', `/v1/addons/${one.id}`, { backupPolicy: { fullEvery: 'P14D' } })
  expect(await stale(db)).toEqual([one.server_id])
  await settle(db)
  await platform('PATCH', `/v1/tenants/${id}`, { backupPolicy: { fullEvery: 'P14D' } })
  expect((await stale(db)).sort()).toEqual([one.server_id, two.server_id].sort())
})

test('an add-on whose own interval no longer fits what its tenant says is still shown and changed', async () => {
  const { platform, newTenant } = await startApi()
  const { id, client } = await newTenant()
  const backupPolicy = { differentialEvery: 'P2D' }
  const addon = (await client('POST', '/v1/addons', { name: 'shop-db', backupPolicy })).json()
  const changed = await platform('PATCH', `/v1/tenants/${id}`, {
    backupPolicy: { fullEvery: 'P1D', differentialEvery: null },
  })
  expect(changed.statusCode).toBe(200)
  expect((await client('GET', `/v1/addons/${addon.id}`)).json().effectiveBackupPolicy).toMatchObject({
    fullEvery: 'P1D',
    differentialEvery: 'P2D',
  })
  expect((await client('PATCH', `/v1/addons/${addon.id}`, { name: 'store-db' })).statusCode).toBe(200)
})

test('a backup tells how long it took, how much WAL has come since, and what became of it', async () => {
  const { db, newTenant } = await startApi()
  const { client } = await newTenant()
  const addon = await availableAddon(db, client)
  const id = await completeBackup(db, addon, '2026-11-23T13:00:05.000000Z')
  const read = async () => (await client('GET', `/v1/backups/${id}`)).json()
  expect(await read()).toMatchObject({
    label: id,
    scheduled: false,
    durationSeconds: null,
    walSinceBytes: null,
  })
  const [startedAt, expiredAt] = ['2026-11-23T13:00:03.000000Z', '2026-11-23T13:30:00.000000Z']
  await db
    .updateTable('backup')
    .set({ backup_started_at: startedAt, stop_lsn: '0/3000000', scheduled: true, expired_at: expiredAt })
    .where('id', '=', id)
    .execute()
  await db.updateTable('archive').set({ last_archived_segment: '000000010000000000000004' }).execute()
  expect(await read()).toMatchObject({
    scheduled: true,
    durationSeconds: 2,
    walSinceBytes: 32 * 1024 * 1024,
    expiredAt,
    damagedAt: null,
  })
  expect((await client('GET', `/v1/addons/${addon.id}/backups`)).json().data).toEqual([await read()])
})

test('what has been given up is no part of the recovery window, and nothing is restored from it', async () => {
  const { db, newTenant } = await startApi()
  const { client } = await newTenant()
  const addon = await availableAddon(db, client)
  const old = await completeBackup(db, addon, '2026-11-20T13:00:00.000000Z')
  await completeBackup(db, addon, '2026-11-23T13:00:00.000000Z')
  await db
    .updateTable('backup')
    .set({ expired_at: '2026-11-23T13:00:00.000000Z' })
    .where('id', '=', old)
    .execute()
  const window = (await client('GET', `/v1/addons/${addon.id}/recovery-window`)).json()
  expect(window.earliest).toBe('2026-11-23T13:00:01.000000Z')
  const restore = await client('POST', `/v1/addons/${addon.id}/restores`, {
    target: { time: '2026-11-22T00:00:00Z' },
  })
  expect(restore.statusCode).toBe(422)
})
