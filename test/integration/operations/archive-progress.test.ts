import { expect, test } from 'vitest'
import type { StallCode } from '../../../src/domain/protection.ts'
import { type ArchiveProgress, noteArchived, reportStalls } from '../../../src/operations/archive-progress.ts'
import { freshMetadata } from '../../support/metadata-database.ts'
import { anAddon, aTenant } from './rows.ts'

const NOW = '2026-11-23T14:00:00.000000Z'
const LATER = '2026-11-23T14:05:00.000000Z'
const SEGMENT = '000000010000000000000004'

async function aProtectedAddon() {
  const { db } = await freshMetadata()
  const owned = await anAddon(db, await aTenant(db))
  await db.updateTable('addon').set({ protection: 'protected' }).execute()
  await db.updateTable('server').set({ desired_state: 'running' }).execute()
  const addon = () => db.selectFrom('addon').select(['protection', 'stalled']).executeTakeFirstOrThrow()
  const events = async () =>
    (await db.selectFrom('outbox_event').select(['type', 'payload']).orderBy('id').execute()).map(
      ({ type, payload }) => [type, (payload as { code?: string }).code],
    )
  const report = (covers: StallCode[], codes: StallCode[], now = NOW) =>
    db
      .transaction()
      .execute((tx) =>
        reportStalls(tx, owned, { covers, found: codes.map((code) => ({ code, detail: code })) }, now),
      )
  const note = (progress: Partial<ArchiveProgress>) =>
    noteArchived(db, owned.serverId, {
      segment: SEGMENT,
      archivedAt: NOW,
      lastCommit: null,
      lagSeconds: 0,
      ...progress,
    })
  return { db, addon, events, report, note }
}

test('an add-on is stalled with the reason, since it began, until nothing stalls it', async () => {
  const { addon, events, report } = await aProtectedAddon()
  await report(['archiving-failing'], ['archiving-failing'])
  await report(['archiving-failing'], ['archiving-failing'], LATER)
  expect(await addon()).toEqual({
    protection: 'stalled',
    stalled: { code: 'archiving-failing', detail: 'archiving-failing', since: NOW },
  })
  await report(['archiving-failing'], [], LATER)
  expect(await addon()).toEqual({ protection: 'protected', stalled: null })
  expect(await events()).toEqual([
    ['addon.stalled', 'archiving-failing'],
    ['addon.protected', undefined],
  ])
})

test('of what several observers report the worst is shown, and the rest is not forgotten', async () => {
  const { addon, events, report } = await aProtectedAddon()
  await report(['backup-overdue'], ['backup-overdue'])
  await report(['server-lost', 'archiving-failing'], ['server-lost'], LATER)
  expect((await addon()).stalled).toMatchObject({ code: 'server-lost', since: LATER })
  await report(['server-lost', 'archiving-failing'], [], LATER)
  expect((await addon()).stalled).toMatchObject({ code: 'backup-overdue', since: NOW })
  expect((await events()).map(([, code]) => code)).toEqual([
    'backup-overdue',
    'server-lost',
    'backup-overdue',
  ])
})

test('the last archived commit never goes back', async () => {
  const { db, note } = await aProtectedAddon()
  await note({ lastCommit: { at: '2026-11-23T13:30:00.000001Z' } })
  await note({ lastCommit: { at: '2026-11-23T13:00:00.000000Z' } })
  await note({})
  expect(await db.selectFrom('archive').selectAll().executeTakeFirstOrThrow()).toMatchObject({
    last_archived_segment: SEGMENT,
    last_commit_at: '2026-11-23T13:30:00.000001Z',
  })
})

test('an add-on that never was protected is not stalled', async () => {
  const { db, addon, events, report } = await aProtectedAddon()
  await db.updateTable('addon').set({ protection: 'pending' }).execute()
  await report(['archive-unreachable'], ['archive-unreachable'])
  expect(await addon()).toEqual({ protection: 'pending', stalled: null })
  expect(await events()).toEqual([])
})

test("what was known to be archived is not forgotten when a crash has emptied the archiver's statistics", async () => {
  const { db, note } = await aProtectedAddon()
  await note({})
  await note({ segment: null, archivedAt: null })
  expect(await db.selectFrom('archive').selectAll().executeTakeFirstOrThrow()).toMatchObject({
    last_archived_segment: SEGMENT,
    archived_at: NOW,
  })
})

test.each(['deleting', 'deleted'] as const)('nothing is said of an add-on that is %s', async (status) => {
  const { db, addon, events, report } = await aProtectedAddon()
  await db.updateTable('addon').set({ status }).execute()
  await report(['server-lost'], ['server-lost'])
  expect(await addon()).toEqual({ protection: 'protected', stalled: null })
  expect(await events()).toEqual([])
})

test('nothing is said of a server that is not to run', async () => {
  const { db, addon, events, report } = await aProtectedAddon()
  await db.updateTable('server').set({ desired_state: 'absent' }).execute()
  await report(['server-lost'], ['server-lost'])
  expect(await addon()).toEqual({ protection: 'protected', stalled: null })
  expect(await events()).toEqual([])
})
