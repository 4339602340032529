import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import type { Db } from '../../../src/db/client.ts'
import { newId } from '../../../src/domain/ids.ts'
import { slotPollSeconds, takeSlot } from '../../../src/operations/backup-slots.ts'
import { openOperation } from '../../../src/operations/open.ts'
import { turn } from '../../../src/operations/runner.ts'
import { takeBackup } from '../../../src/operations/workflows/take-backup.ts'
import { keyRing } from '../../../src/secrets/key-ring.ts'
import { newLife } from '../../support/fake/life.ts'
import { emptyWorld } from '../../support/fake/world.ts'
import { freshMetadata } from '../../support/metadata-database.ts'
import { newBench } from './bench.ts'
import { anAddon, aTenant, readOperation, workOn } from './rows.ts'
import { fakeWorkDeps } from './stage.ts'

async function queued(db: Db, tenantId: string): Promise<string> {
  const { addonId, serverId } = await anAddon(db, tenantId)
  const id = newId('backup')
  const owner = { tenant_id: tenantId, addon_id: addonId, server_id: serverId }
  await db
    .insertInto('backup')
    .values({ id, ...owner, type: 'full', status: 'queued' })
    .execute()
  return id
}

const takes = async (db: Db, id: string, backupsMax: number) => (await takeSlot(db, id, backupsMax)).isTaken

async function ground(backups: number) {
  const { db } = await freshMetadata()
  const tenantId = await aTenant(db)
  const ids = []
  for (let each = 0; each < backups; each++) ids.push(await queued(db, tenantId))
  return { db, ids }
}

test('of backups that begin at the same time no more run than there are slots', async () => {
  const { db, ids } = await ground(8)
  const taken = await Promise.all(ids.map((id) => takes(db, id, 3)))
  expect(taken.filter((each) => each)).toHaveLength(3)
  const running = db.selectFrom('backup').select('id').where('status', '=', 'running')
  expect(await running.execute()).toHaveLength(3)
})

test('a slot that is asked for again is the same one, and is told of once', async () => {
  const { db, ids } = await ground(1)
  const [id = ''] = ids
  expect([await takes(db, id, 1), await takes(db, id, 1)]).toEqual([true, true])
  expect(await db.selectFrom('outbox_event').select('type').execute()).toEqual([{ type: 'backup.running' }])
})

test('a slot is free again once its backup has ended, and what has ended takes none', async () => {
  const { db, ids } = await ground(2)
  const [one = '', other = ''] = ids
  expect([await takes(db, one, 1), await takes(db, other, 1)]).toEqual([true, false])
  await db.updateTable('backup').set({ status: 'cancelled' }).where('id', '=', one).execute()
  expect([await takes(db, one, 1), await takes(db, other, 1)]).toEqual([false, true])
})

test('waiting for a slot is no lack of progress, however long it takes', async () => {
  const { db, ids } = await ground(5)
  for (const id of ids.slice(0, 4)) await takeSlot(db, id, 4)
  const waiting = db.selectFrom('backup').selectAll().where('status', '=', 'queued')
  const backup = await waiting.executeTakeFirstOrThrow()
  const wakeUp = await openOperation(db, {
    tenantId: backup.tenant_id,
    addonId: backup.addon_id,
    serverId: backup.server_id,
    kind: 'backup.take',
    memo: { backupId: backup.id, type: 'full' },
  })
  const stage = { db, keyRing: keyRing([randomBytes(32)]), world: emptyWorld() }
  const bench = newBench(db, { workflow: takeBackup, depsFor: () => fakeWorkDeps(stage, newLife()) })
  await turn(bench.runner, wakeUp)
  for (let times = 0; times < 3; times++) {
    await workOn(db, wakeUp, 1000)
    await turn(bench.runner, bench.rings.at(-1) ?? wakeUp, true)
  }
  expect(await readOperation(db, wakeUp)).toMatchObject({ step: 'await-slot', failure: null, version: 6 })
})

/** As if its operation had begun that long ago, and had asked for a slot since. */
async function waiting(db: Db, backupId: string, ago: string): Promise<void> {
  const backup = await db
    .selectFrom('backup')
    .selectAll()
    .where('id', '=', backupId)
    .executeTakeFirstOrThrow()
  const { tenant_id: tenantId, addon_id: addonId, server_id: serverId } = backup
  const memo = { backupId, type: 'full' }
  const { operationId } = await openOperation(db, { tenantId, addonId, serverId, kind: 'backup.take', memo })
  await sql`
    update operation set started_at = now() - ${ago}::interval, run_at = now()
     where id = ${operationId}`.execute(db)
}

test('a free slot is for the backup that has waited longest, unless nobody has come to it for long', async () => {
  const { db, ids } = await ground(3)
  const [running = '', first = '', later = ''] = ids
  await waiting(db, first, '5 minutes')
  await waiting(db, later, '1 second')
  expect(await takes(db, running, 1)).toBe(true)
  await db.updateTable('backup').set({ status: 'succeeded' }).where('id', '=', running).execute()
  expect(await takeSlot(db, later, 1)).toEqual({ isTaken: false, isNext: false })
  expect(await takes(db, later, 2)).toBe(true)
  await db.updateTable('backup').set({ status: 'queued' }).where('id', '=', later).execute()
  expect(await takes(db, first, 1)).toBe(true)
  await db.updateTable('backup').set({ status: 'queued' }).where('id', '=', first).execute()
  await sql`update operation set run_at = now() - interval '2 minutes'`.execute(db)
  expect(await takes(db, later, 1)).toBe(true)
})

test('a backup asks for a slot the less often the longer it waits, and often when its turn is next', () => {
  expect([0, 1, 2, 5, 6, 1000].map((polls) => slotPollSeconds(polls, false))).toEqual([
    3, 4.5, 6.75, 22.78125, 30, 30,
  ])
  expect(slotPollSeconds(1000, true)).toBe(3)
})
