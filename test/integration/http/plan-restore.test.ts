import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import type { Db } from '../../../src/db/client.ts'
import type { MeasuredName } from '../../../src/domain/restore-plan.ts'
import { listedArchives, SEGMENT_FILE_BYTES } from '../../support/listed-archives.ts'
import { asWorker, availableAddon, codeOf, completeBackup, NOW, rowCounts, startApi } from './test-api.ts'

const EARLIEST = '2026-11-23T13:00:01.000000Z'
const SEGMENT = (n: number) => `00000001000000000000000${n}`

/** An add-on with a base backup at 13:00 and a segment every ten minutes: number 3 at 13:00, number 8 at 13:50. */
async function protectedAddon() {
  const minutes = [3, 4, 5, 6, 7, 8].map((n) => [SEGMENT(n), `2026-11-23T13:${n - 3}0:00.000000Z`] as const)
  const listed = listedArchives(Object.fromEntries(minutes))
  const api = await startApi({ archives: listed.archives, postgresVersions: () => [15] })
  const { client, id: tenantId } = await api.newTenant()
  const addon = await availableAddon(api.db, client, 'shop-db')
  const backupId = await completeBackup(api.db, addon)
  const archive = (change: object) => api.db.updateTable('archive').set(change).execute()
  await archive({ last_archived_segment: SEGMENT(8) })
  const plan = (target: object) => client('POST', `/v1/addons/${addon.id}/restore-plan`, { target })
  const restore = (target: object) => client('POST', `/v1/addons/${addon.id}/restores`, { target })
  /** As workers note it. */
  const measure = (values: { name: MeasuredName; value: number }[]) =>
    asWorker(
      api.connection,
      async (worker) => void (await worker.insertInto('measured_rate').values(values).execute()),
    )
  return { ...api, client, tenantId, addon, backupId, listed, archive, measure, plan, restore }
}

/** Everything the metadata holds, but for the audit. */
async function dump(db: Db): Promise<string> {
  const { rows } = await sql<{ table: string }>`
    select table_name as "table" from information_schema.tables
     where table_schema = 'undrop' and table_name not in ('audit_entry', 'kysely_migration_lock')
     order by 1`.execute(db)
  const contents = rows.map(async ({ table }) => {
    const all = await sql<{
      row: string
    }>`select t::text as row from ${sql.table(table)} as t order by 1`.execute(db)
    return [table, ...all.rows.map(({ row }) => row)].join('\n')
  })
  return (await Promise.all(contents)).join('\n')
}

describe('POST /v1/addons/{addonId}/restore-plan', () => {
  test('tells which backup and how much WAL a restore would take, up to the first segment stored since', async () => {
    const { backupId, plan } = await protectedAddon()
    const response = await plan({ time: '2026-11-23T14:15:00+01:00' })
    expect(response.statusCode).toBe(200)
    expect(response.json()).toEqual({
      target: { time: '2026-11-23T13:15:00.000000Z' },
      exclusive: false,
      backup: {
        id: backupId,
        type: 'full',
        label: backupId,
        stoppedAt: '2026-11-23T13:00:00.000000Z',
        sizeBytes: 1_000_000,
      },
      walSegments: 3,
      walBytes: 3 * SEGMENT_FILE_BYTES,
      estimatedSeconds: { fetching: 0, replaying: 0.4, other: 3, total: 3.4 },
      basis: 'assumed',
      diskBytes: Math.ceil(1.1 * (1_000_000 + 3 * 16 * 1024 * 1024)),
      warnings: [{ code: 'rates-assumed', detail: expect.any(String) }],
    })
    expect((await plan({ latest: true })).json()).toMatchObject({ walSegments: 6 })
  })

  test('estimates by what was measured', async () => {
    const { measure, plan } = await protectedAddon()
    await measure([
      { name: 'fetch_bytes_per_second', value: 100_000 },
      { name: 'replay_segments_per_second', value: 2 },
      { name: 'restore_other_seconds', value: 1.5 },
    ])
    expect((await plan({ latest: true })).json()).toMatchObject({
      estimatedSeconds: { fetching: 10, replaying: 3, other: 1.5, total: 14.5 },
      basis: 'measured',
      warnings: [],
    })
  })

  test('changes nothing', async () => {
    const { db, plan, rung } = await protectedAddon()
    const [before, rings] = [await dump(db), rung.length]
    expect((await plan({ latest: true })).statusCode).toBe(200)
    expect(await dump(db)).toBe(before)
    expect(rung).toHaveLength(rings)
  })

  test('warns of what may stand in the way', async () => {
    const { db, addon, measure, plan, archive } = await protectedAddon()
    await completeBackup(db, addon, '2026-11-23T13:40:00.000000Z', '0/7000028')
    const gap = {
      afterSegment: SEGMENT(3),
      beforeSegment: SEGMENT(5),
      missingSegments: 1,
      from: EARLIEST,
      to: null,
    }
    await archive({ gaps: JSON.stringify([gap]) })
    await db.updateTable('addon').set({ protection: 'stalled' }).execute()
    await measure([{ name: 'disk_free_bytes', value: 1000 }])
    const damaged = await completeBackup(db, addon, '2026-11-23T13:50:00.000000Z', '0/8000028')
    await db.updateTable('backup').set({ damaged_at: NOW }).where('id', '=', damaged).execute()
    const { backup, warnings } = (await plan({ latest: true })).json()
    expect(backup.id).not.toBe(damaged)
    expect(warnings.map(({ code }: { code: string }) => code)).toEqual([
      'archiving-stalled',
      'gap-elsewhere',
      'backup-damaged',
      'rates-assumed',
      'disk-nearly-full',
    ])
  })

  test('503 while the store does not answer', async () => {
    const { listed, plan } = await protectedAddon()
    listed.isDown = true
    const response = await plan({ latest: true })
    expect([response.statusCode, codeOf(response)]).toEqual([503, 'archive-unreachable'])
  })

  test('409 for an add-on that is not available, and once the archive of a deleted one is gone', async () => {
    const { db, plan, archive } = await protectedAddon()
    await db.updateTable('addon').set({ status: 'restoring' }).execute()
    expect(codeOf(await plan({ latest: true }))).toBe('addon-not-available')
    await db.updateTable('addon').set({ status: 'deleted', deleted_at: NOW }).execute()
    await archive({ keep_until: '2026-11-30T14:00:00.000000Z' })
    expect((await plan({ latest: true })).statusCode).toBe(200)
    await archive({ removed_at: NOW })
    expect(codeOf(await plan({ latest: true }))).toBe('archive-purged')
  })

  test('is audited', async () => {
    const { db, addon, plan } = await protectedAddon()
    await plan({ latest: true })
    const entries = db.selectFrom('audit_entry').selectAll().where('action', '=', 'restore.plan')
    expect(await entries.execute()).toMatchObject([{ resource_id: addon.id, tenant_id: addon.tenant_id }])
  })
})

describe.each(['plan', 'restore'] as const)('a %s over missing WAL', (what) => {
  test('is refused with the gap the moment that the segment is gone, and targets before it are not', async () => {
    const api = await protectedAddon()
    api.listed.stored.delete(SEGMENT(5))
    const before = await rowCounts(api.db)
    for (const target of [{ time: '2026-11-23T13:10:00.000001Z' }, { time: NOW }, { latest: true }]) {
      const response = await api[what](target)
      expect([response.statusCode, codeOf(response)], JSON.stringify(target)).toEqual([422, 'target-in-gap'])
      expect(response.json()).toMatchObject({
        earliest: EARLIEST,
        gap: { afterSegment: SEGMENT(4), from: '2026-11-23T13:10:00.000000Z', to: null },
      })
    }
    expect(await rowCounts(api.db)).toEqual(before)
    expect((await api[what]({ time: '2026-11-23T13:10:00Z' })).statusCode).toBeLessThan(300)
  })

  test('is accepted from the end of a base backup on that was taken behind it', async () => {
    const { db, addon, listed, ...api } = await protectedAddon()
    listed.stored.delete(SEGMENT(5))
    await completeBackup(db, addon, '2026-11-23T13:40:00.000000Z', '0/7000028')
    const refused = await api[what]({ time: '2026-11-23T13:40:00.999999Z' })
    expect(refused.json()).toMatchObject({ gap: { to: '2026-11-23T13:40:01.000000Z' } })
    expect((await api[what]({ time: '2026-11-23T13:40:01Z' })).statusCode).toBeLessThan(300)
    expect((await api[what]({ latest: true })).statusCode).toBeLessThan(300)
  })

  test('is refused when the newest segments that were archived are gone', async () => {
    const { listed, ...api } = await protectedAddon()
    listed.stored.delete(SEGMENT(8))
    expect((await api[what]({ latest: true })).json()).toMatchObject({
      status: 422,
      gap: { afterSegment: SEGMENT(7), beforeSegment: null, from: '2026-11-23T13:40:00.000000Z' },
    })
  })
})

describe('a restore while the store does not answer', () => {
  test('is recorded, and waits for the store', async () => {
    const { listed, restore } = await protectedAddon()
    listed.isDown = true
    expect((await restore({ latest: true })).statusCode).toBe(202)
  })

  test('is recorded, and not planned, when the store takes connections and says nothing', async () => {
    const { listed, plan, restore } = await protectedAddon()
    const mute = { next: () => new Promise<never>(() => {}) }
    listed.archives.files = () => ({ [Symbol.asyncIterator]: () => mute })
    const [recorded, planned] = await Promise.all([restore({ latest: true }), plan({ latest: true })])
    expect(recorded.statusCode).toBe(202)
    expect([planned.statusCode, codeOf(planned)]).toEqual([503, 'archive-unreachable'])
  })

  test('is refused where WAL is known to be missing', async () => {
    const { listed, archive, restore } = await protectedAddon()
    const gap = { afterSegment: SEGMENT(4), beforeSegment: SEGMENT(6), missingSegments: 1 }
    const gaps = JSON.stringify([{ ...gap, from: '2026-11-23T13:10:00.000000Z', to: null }])
    await archive({ gaps })
    listed.isDown = true
    expect(codeOf(await restore({ latest: true }))).toBe('target-in-gap')
    listed.isDown = false
    expect((await restore({ latest: true })).statusCode).toBe(202)
  })
})

test('the recovery window of a deleted add-on reaches to its last commit while its archive is kept', async () => {
  const { db, client, addon, archive } = await protectedAddon()
  const lastCommit = '2026-11-23T13:49:00.000001Z'
  await archive({ last_commit_at: lastCommit, keep_until: '2026-11-30T14:00:00.000000Z' })
  await db.updateTable('addon').set({ status: 'deleted', deleted_at: NOW }).execute()
  const window = () => client('GET', `/v1/addons/${addon.id}/recovery-window`)
  expect((await window()).json()).toMatchObject({ earliest: EARLIEST, latest: lastCommit })
  await archive({ removed_at: NOW })
  expect(codeOf(await window())).toBe('archive-purged')
})
