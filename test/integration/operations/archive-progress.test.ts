import { expect, test } from 'vitest'
import { type ArchiverReport, observeArchive, setStalled } from '../../../src/operations/archive-progress.ts'
import { freshMetadata } from '../../support/metadata-database.ts'
import { anAddon, aTenant } from './rows.ts'

const NOW = '2026-11-23T14:00:00.000000Z'
const SEGMENT = '000000010000000000000004'

async function aProtectedAddon() {
  const { db } = await freshMetadata()
  const owned = await anAddon(db, await aTenant(db))
  await db.updateTable('addon').set({ protection: 'protected' }).execute()
  const protection = async () =>
    (await db.selectFrom('addon').select('protection').executeTakeFirstOrThrow()).protection
  const events = async () =>
    (await db.selectFrom('outbox_event').select('type').orderBy('id').execute()).map(({ type }) => type)
  const observe = (report: Partial<ArchiverReport>, at: string | null = null) =>
    observeArchive(
      db,
      owned,
      { lastArchivedSegment: SEGMENT, lastArchivedAt: NOW, lastFailedAt: null, ...report },
      at === null ? null : { at },
      NOW,
    )
  return { db, owned, protection, events, observe }
}

test('an archiver that only fails is stalled after a minute, and protected again once it succeeds', async () => {
  const { protection, events, observe } = await aProtectedAddon()
  await observe({
    lastArchivedAt: '2026-11-23T13:59:30.000000Z',
    lastFailedAt: '2026-11-23T13:59:50.000000Z',
  })
  expect(await protection()).toBe('protected')
  await observe({
    lastArchivedAt: '2026-11-23T13:58:30.000000Z',
    lastFailedAt: '2026-11-23T13:59:50.000000Z',
  })
  expect(await protection()).toBe('stalled')
  await observe({ lastFailedAt: '2026-11-23T13:59:50.000000Z' })
  expect(await protection()).toBe('protected')
  expect(await events()).toEqual(['addon.stalled', 'addon.protected'])
})

test('an idle server is not stalled', async () => {
  const { protection, observe } = await aProtectedAddon()
  await observe({ lastArchivedAt: '2026-11-23T12:00:00.000000Z' })
  expect(await protection()).toBe('protected')
})

test('the last archived commit never goes back', async () => {
  const { db, observe } = await aProtectedAddon()
  await observe({}, '2026-11-23T13:30:00.000001Z')
  await observe({}, '2026-11-23T13:00:00.000000Z')
  await observe({})
  expect(await db.selectFrom('archive').selectAll().executeTakeFirstOrThrow()).toMatchObject({
    last_archived_segment: SEGMENT,
    last_commit_at: '2026-11-23T13:30:00.000001Z',
  })
})

test('an add-on that never was protected is not stalled', async () => {
  const { db, owned, protection } = await aProtectedAddon()
  await db.updateTable('addon').set({ protection: 'pending' }).execute()
  await setStalled(db, owned, true)
  expect(await protection()).toBe('pending')
})

test("what was known to be archived is not forgotten when a crash has emptied the archiver's statistics", async () => {
  const { db, observe } = await aProtectedAddon()
  await observe({})
  await observe({ lastArchivedSegment: null, lastArchivedAt: null })
  expect(await db.selectFrom('archive').selectAll().executeTakeFirstOrThrow()).toMatchObject({
    last_archived_segment: SEGMENT,
    archived_at: NOW,
  })
})
