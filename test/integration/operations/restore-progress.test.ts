import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { newId } from '../../../src/domain/ids.ts'
import type { RestoreProgress } from '../../../src/domain/restore.ts'
import { saveRestore } from '../../../src/operations/progress.ts'
import { freshMetadata } from '../../support/metadata-database.ts'
import { addonOf, create } from './scenario.ts'
import { newStage } from './stage.ts'

const progress = (percent: number, etaSeconds = 10): RestoreProgress => ({
  ...{ percent, etaSeconds, bytesDone: percent, bytesTotal: 100 },
  ...{ walDone: 0, walTotal: null, replayedTo: null },
})

async function aRestore() {
  const { db } = await freshMetadata()
  const stage = await newStage(db)
  await create(stage)
  const addon = await addonOf(stage)
  const id = newId('restore')
  const owner = { tenant_id: stage.tenantId, addon_id: addon.id, child_addon_id: addon.id }
  const servers = { source_server_id: addon.server_id, child_server_id: addon.server_id }
  await db
    .insertInto('restore')
    .values({ id, ...owner, ...servers, target: '{"latest": true}', status: 'queued' })
    .execute()
  const save = (now: RestoreProgress) =>
    db.transaction().execute((tx) => saveRestore(tx, id, { progress: now }))
  const aSecondPasses = () =>
    sql`update restore set progress_told_at = progress_told_at - interval '1 second'`.execute(db)
  const told = async () => {
    const events = db.selectFrom('outbox_event').select('payload').where('type', '=', 'restore.progress')
    return (await events.orderBy('id').execute()).map(({ payload }) => (payload as RestoreProgress).percent)
  }
  return { save, aSecondPasses, told }
}

test('progress of a restore is told at most once a second, and then as it is', async () => {
  const { save, aSecondPasses, told } = await aRestore()
  for (const percent of [1, 2, 3]) await save(progress(percent))
  expect(await told()).toEqual([1])
  await aSecondPasses()
  // Nothing has moved since, but more than was told.
  await save(progress(3))
  expect(await told()).toEqual([1, 3])
})

test('progress that is none is not told', async () => {
  const { save, aSecondPasses, told } = await aRestore()
  for (const etaSeconds of [10, 9, 8]) {
    await save(progress(1, etaSeconds))
    await aSecondPasses()
  }
  expect(await told()).toEqual([1])
})
