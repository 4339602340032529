import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { noteObservation } from '../../../src/db/observations.ts'
import { asWorker, availableAddon, completeBackup, startApi } from './test-api.ts'

/** The lines of the answer that are values, by metric and labels. */
async function scrape(app: Awaited<ReturnType<typeof startApi>>['app']): Promise<Record<string, number>> {
  const response = await app.inject('/metrics')
  expect(response.statusCode).toBe(200)
  expect(response.headers['content-type']).toMatch(/^text\/plain/)
  const lines = response.body.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]),
  )
}

test('the metrics tell how the fleet is, without a key', async () => {
  const { app, db, connection, newTenant } = await startApi()
  const { client } = await newTenant()
  const [late, well] = [await availableAddon(db, client), await availableAddon(db, client)]
  for (const addon of [late, well]) await completeBackup(db, addon)
  const stalled = JSON.stringify({
    code: 'archive-lagging',
    detail: '',
    since: '2026-11-23T14:00:00.000000Z',
  })
  await db.updateTable('addon').set({ protection: 'protected' }).execute()
  await db.updateTable('addon').set({ protection: 'stalled', stalled }).where('id', '=', late.id).execute()
  await sql`update archive set observed_at = now(), lag_seconds = 0, stored_bytes = 1000`.execute(db)
  await sql`
    update archive set lag_seconds = 300, stalls = '{"backup-overdue": {}, "archive-lagging": {}}'
     where server_id = ${late.server_id}`.execute(db)
  await client('POST', `/v1/addons/${well.id}/backups`, {})
  await asWorker(connection, async (worker) => {
    await noteObservation(worker, 'store_reachable', 0)
    await noteObservation(worker, 'archives_unowned', 3)
  })

  const metrics = await scrape(app)
  expect(metrics).toMatchObject({
    'undrop_addons{status="available",protection="protected"}': 1,
    'undrop_addons{status="available",protection="stalled"}': 1,
    'undrop_addons_stalled{reason="archive-lagging"}': 1,
    'undrop_archives_lagging': 1,
    'undrop_backups_overdue': 1,
    'undrop_operations_open{kind="backup.take"}': 1,
    'undrop_operations_overdue': 0,
    'undrop_archive_stored_bytes': 2000,
    'undrop_archives_kept': 0,
    'undrop_drills_failed': 0,
    'undrop_store_reachable': 0,
    'undrop_archives_unowned': 3,
  })
  expect(metrics['undrop_archive_lag_seconds']).toBeGreaterThanOrEqual(300)
  expect(metrics['undrop_backup_age_seconds']).toEqual(expect.any(Number))
  expect(metrics['undrop_observation_age_seconds{of="store_reachable"}']).toBeGreaterThanOrEqual(0)
})

test('the metrics tell nothing of any tenant', async () => {
  const { app, db, newTenant } = await startApi()
  const { client, id } = await newTenant()
  const addon = await availableAddon(db, client, 'swordfish')
  const { body } = await app.inject('/metrics')
  for (const secret of [id, addon.id, addon.server_id, 'swordfish']) expect(body).not.toContain(secret)
})

test('a flood of scrapes reads the metadata once', async () => {
  const { app, db, newTenant } = await startApi()
  await scrape(app)
  await availableAddon(db, (await newTenant()).client)
  const scrapes = await Promise.all(Array.from({ length: 50 }, () => scrape(app)))
  const names = scrapes.flatMap((metrics) => Object.keys(metrics))
  expect(names.filter((name) => name.startsWith('undrop_addons{'))).toEqual([])
})
