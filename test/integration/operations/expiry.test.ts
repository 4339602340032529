import { sql } from 'kysely'
import { beforeEach, describe, expect, test } from 'vitest'
import type { BackupInfo } from '../../../src/backup/engine.ts'
import type { Db } from '../../../src/db/client.ts'
import { readFleet } from '../../../src/db/fleet.ts'
import { transact } from '../../../src/db/transact.ts'
import { readWatched } from '../../../src/db/watched.ts'
import type { BackupType } from '../../../src/domain/addon.ts'
import { DEFAULT_POLICY } from '../../../src/domain/backup-policy.ts'
import { newId } from '../../../src/domain/ids.ts'
import { addSeconds, type Moment } from '../../../src/domain/moment.ts'
import { soundType } from '../../../src/operations/backup-base.ts'
import { findCompleteBackups } from '../../../src/operations/backup-progress.ts'
import { fullsLeft, giveUpExpired, giveUpUnlisted, labelsToExpire } from '../../../src/operations/expiry.ts'
import { freshMetadata } from '../../support/metadata-database.ts'
import { anAddon, aTenant, type Owned } from './rows.ts'

const NEWEST: Moment = '2026-11-23T13:00:00.000000Z'
const POLICY = { ...DEFAULT_POLICY, retentionDays: 7, retentionFulls: 1 }

let db: Db
let addon: Owned
beforeEach(async () => {
  db = (await freshMetadata()).db
  addon = await anAddon(db, await aTenant(db))
})

/** A backup of that many days before the newest, as the engine lists it; full unless it builds upon another. */
function listed(label: string, daysBefore: number, more: Partial<BackupInfo> = {}): BackupInfo {
  const stoppedAt = addSeconds(NEWEST, -daysBefore * 86_400)
  return {
    label,
    type: 'full',
    startedAt: addSeconds(stoppedAt, -10),
    stoppedAt,
    startLsn: '0/3000028',
    stopLsn: '0/3000100',
    startSegment: '000000010000000000000003',
    stopSegment: '000000010000000000000003',
    timeline: 1,
    sizeBytes: 1000,
    repositorySizeBytes: 100,
    referenceLabels: [],
    hasErrors: false,
    hasTablespaces: null,
    ...more,
  }
}

async function record(...backups: BackupInfo[]): Promise<void> {
  for (const { label, type, stoppedAt, startLsn, stopLsn, referenceLabels } of backups) {
    await sql`
      insert into backup (id, tenant_id, addon_id, server_id, type, status, label, timeline, start_lsn, stop_lsn,
                          backup_stopped_at, reference_labels)
      values (${newId('backup')}, ${addon.tenantId}, ${addon.addonId}, ${addon.serverId}, ${type}, 'succeeded', ${label},
              1, ${startLsn}, ${stopLsn}, ${stoppedAt}, ${JSON.stringify(referenceLabels)})`.execute(db)
  }
}

const month = [
  listed('1F', 21),
  listed('1F_1D', 20, { type: 'differential', referenceLabels: ['1F'] }),
  listed('2F', 14),
  listed('3F', 7.5),
  listed('3F_1D', 3, { type: 'differential', referenceLabels: ['3F'] }),
  listed('4F', 0),
]

const giveUp = (backups = month) => transact(db, (tx) => giveUpExpired(tx, addon, backups, POLICY))

const usable = async () => (await findCompleteBackups(db, addon.serverId)).map(({ label }) => label)

/** A restore from the add-on that has not finished. */
async function beginRestore(): Promise<void> {
  const child = await anAddon(db, addon.tenantId, 'restoring')
  await sql`
    insert into restore (id, tenant_id, addon_id, source_server_id, child_addon_id, child_server_id, target, status)
    values (${newId('restore')}, ${addon.tenantId}, ${addon.addonId}, ${addon.serverId}, ${child.addonId}, ${child.serverId},
            '{"latest": true}', 'queued')`.execute(db)
}

describe('what the policy does not keep', () => {
  test('is given up with what builds upon it, told of, and never restored from again', async () => {
    await record(...month)
    await giveUp()
    expect(await usable()).toEqual(['3F', '3F_1D', '4F'])
    const events = db.selectFrom('outbox_event').select('type').where('type', '=', 'backup.expired')
    expect(await events.execute()).toHaveLength(3)
    expect(await fullsLeft(db, addon.serverId, month)).toBe(2)
  })

  test('stays while a restore reads the archive, and goes afterwards', async () => {
    await record(...month)
    await beginRestore()
    await giveUp()
    expect(await usable()).toHaveLength(month.length)
    await sql`update restore set finished_at = now(), status = 'succeeded'`.execute(db)
    await giveUp()
    expect(await usable()).toEqual(['3F', '3F_1D', '4F'])
  })

  test('waits for a restore that is being asked for, and then stays', async () => {
    await record(...month)
    let expiry = Promise.resolve()
    await db.transaction().execute(async (tx) => {
      await sql`select from addon where id = ${addon.addonId} for update`.execute(tx)
      expiry = giveUp()
      const child = await anAddon(db, addon.tenantId, 'restoring')
      await sql`
        insert into restore (id, tenant_id, addon_id, source_server_id, child_addon_id, child_server_id, target, status)
        values (${newId('restore')}, ${addon.tenantId}, ${addon.addonId}, ${addon.serverId}, ${child.addonId},
                ${child.serverId}, '{"latest": true}', 'queued')`.execute(tx)
    })
    await expiry
    expect(await usable()).toHaveLength(month.length)
  })

  test('is told by the newest backup, not by the clock: while none succeeds nothing goes', async () => {
    const old = [listed('1F', 400), listed('2F', 395)]
    await record(...old)
    expect(await labelsToExpire(db, addon, old, POLICY)).toEqual([])
  })

  test('goes by the policy of the add-on', async () => {
    await record(...month)
    await sql`update addon set backup_policy = '{"retentionDays": 15}' where id = ${addon.addonId}`.execute(
      db,
    )
    await giveUp()
    expect(await usable()).toHaveLength(month.length)
    await sql`update addon set backup_policy = '{"retentionDays": 10}' where id = ${addon.addonId}`.execute(
      db,
    )
    await giveUp()
    expect(await usable()).toEqual(['2F', '3F', '3F_1D', '4F'])
  })

  test('does not count what cannot be restored from', async () => {
    const [first, , second, third, , newest] = month as [
      BackupInfo,
      BackupInfo,
      BackupInfo,
      BackupInfo,
      BackupInfo,
      BackupInfo,
    ]
    const withErrors = [first, second, { ...third, hasErrors: true }, newest]
    await record(first, second, newest)
    await giveUp(withErrors)
    expect(await usable()).toEqual(['2F', '4F'])
    expect(await fullsLeft(db, addon.serverId, withErrors)).toBe(3)
  })
})

test('the engine keeps every full backup that has not been given up, also when one is missing between', async () => {
  await record(...month)
  const without2 = month.filter(({ label }) => label !== '2F')
  await transact(db, (tx) => giveUpUnlisted(tx, addon, without2))
  expect(await usable()).toEqual(['1F', '1F_1D', '3F', '3F_1D', '4F'])
  expect(await fullsLeft(db, addon.serverId, without2)).toBe(3)
})

test('a full backup that has vanished stops nothing, damaged or not, and is given up', async () => {
  await record(...month)
  await sql`update backup set damaged_at = now() where label = '1F'`.execute(db)
  const without1 = month.filter(({ label }) => !label.startsWith('1F'))
  await giveUp(without1)
  expect(await fullsLeft(db, addon.serverId, without1)).toBe(2)
  await transact(db, (tx) => giveUpUnlisted(tx, addon, without1))
  const left = db.selectFrom('backup').select('label').where('expired_at', 'is', null).orderBy('label')
  expect((await left.execute()).map(({ label }) => label)).toEqual(['3F', '3F_1D', '4F'])
  expect(await fullsLeft(db, addon.serverId, [])).toBe(0)
})

test('nothing is given up while the newest full backup is dated after the clock', async () => {
  const ahead = [...month, listed('5F', -36_500)]
  await record(...ahead)
  expect(await labelsToExpire(db, addon, ahead, POLICY)).toEqual([])
})

test('a backup that cannot be restored from is not the last one, for the alarm', async () => {
  await sql`update archive set archiving_since = '2026-11-01T00:00:00Z' where server_id = ${addon.serverId}`.execute(
    db,
  )
  await sql`update addon set protection = 'protected' where id = ${addon.addonId}`.execute(db)
  await record(...month)
  const damage = (label: string) =>
    sql`update backup set damaged_at = now() where label = ${label}`.execute(db)
  const lastBackupAt = async () => (await readWatched(db, addon.serverId)).lastBackupAt
  const ageSeconds = async () => (await readFleet(db, { lagLimitSeconds: 60 })).archives.backupAgeSeconds
  expect(await lastBackupAt()).toBe(NEWEST)
  const age = await ageSeconds()
  await damage('4F')
  expect(await lastBackupAt()).toBe(month[4]?.stoppedAt)
  // What builds upon a damaged one is none either.
  await damage('3F')
  expect(await lastBackupAt()).toBe(month[2]?.stoppedAt)
  expect(await ageSeconds()).toBeGreaterThan(age + 13 * 86_400)
  await damage('2F')
  await damage('1F')
  expect(await lastBackupAt()).toBe('2026-11-01T00:00:00.000000Z')
})

test('a backup builds upon nothing that cannot be restored from', async () => {
  const incremental = listed('4F_1I', 0, { type: 'incremental', referenceLabels: ['4F'] })
  const all = [...month, incremental]
  await record(...all)
  const type = (wished: BackupType, backups = all) => soundType(db, addon.serverId, wished, backups)
  expect([await type('differential'), await type('incremental')]).toEqual(['differential', 'incremental'])
  expect(await type('differential', [])).toBe('differential')
  const withErrors = [...month, listed('5F', 0, { hasErrors: true })]
  expect([await type('differential', withErrors), await type('incremental', withErrors)]).toEqual([
    'full',
    'full',
  ])
  expect(await type('differential', [...month, listed('5F', 0)])).toBe('full')
  await sql`update backup set damaged_at = now() where label = '4F_1I'`.execute(db)
  expect([await type('differential'), await type('incremental')]).toEqual(['differential', 'differential'])
  await sql`update backup set damaged_at = now() where label = '4F'`.execute(db)
  expect([await type('full'), await type('incremental')]).toEqual(['full', 'full'])
})

test('nothing is removed where nothing is recorded', async () => {
  expect(await fullsLeft(db, addon.serverId, month)).toBe(0)
  expect(await labelsToExpire(db, addon, month, POLICY)).toEqual([])
})

test('no restore starts from what builds upon a damaged backup', async () => {
  await record(...month)
  await sql`update backup set damaged_at = now() where label = '3F'`.execute(db)
  expect(await usable()).toEqual(['1F', '1F_1D', '2F', '4F'])
})
