import { expect, test } from 'vitest'
import { newId } from '../../../src/domain/ids.ts'
import type { Moment } from '../../../src/domain/moment.ts'
import { Problem } from '../../../src/domain/problem.ts'
import { reviseKnownGaps } from '../../../src/operations/known-gaps.ts'
import { openOperation } from '../../../src/operations/open.ts'
import { survey } from '../../../src/operations/survey.ts'
import { newLife } from '../../support/fake/life.ts'
import { listedArchives, SEGMENT_FILE_BYTES } from '../../support/listed-archives.ts'
import { freshMetadata } from '../../support/metadata-database.ts'
import { anAddon, aTenant, type Owned } from './rows.ts'
import { fakeWorkDeps, newStage } from './stage.ts'

const SEGMENT = (n: number) => `00000001000000000000000${n}`
/** Segment n is stored at so many minutes past one. */
const AT = (n: number): Moment => `2026-11-23T13:0${n}:00.000000Z`

/** A protected add-on whose archive has segments 3 to 7 and a backup that needs them from 3 on. */
async function surveyed({ everySeconds = 0 } = {}) {
  const { db } = await freshMetadata()
  const stage = await newStage(db)
  const listed = listedArchives(Object.fromEntries([3, 4, 5, 6, 7].map((n) => [SEGMENT(n), AT(n)])))
  const owned = await anAddon(db, await aTenant(db))
  await db.updateTable('addon').set({ protection: 'protected' }).execute()
  const archive = { archiving_since: AT(3), last_archived_segment: SEGMENT(7) }
  await db.updateTable('archive').set(archive).execute()
  await aBackup(3)

  async function aBackup(n: number, of: Owned = owned): Promise<void> {
    const owner = { tenant_id: of.tenantId, addon_id: of.addonId, server_id: of.serverId }
    const id = newId('backup')
    const lsns = { start_lsn: `0/${n}000028`, stop_lsn: `0/${n}000100` }
    const complete = { label: id, timeline: 1, ...lsns, backup_stopped_at: AT(n) }
    await db
      .insertInto('backup')
      .values({ id, ...owner, type: 'full', status: 'succeeded', ...complete })
      .execute()
  }
  const failed: unknown[] = []
  const deps = {
    ...fakeWorkDeps(stage, newLife()),
    archives: listed.archives,
    surveyEverySeconds: everySeconds,
  }
  return {
    db,
    listed,
    owned,
    failed,
    aBackup,
    deps,
    look: (refusal: unknown = null) =>
      survey(deps, { refusal: async () => refusal }, ({ error }) => failed.push(error)),
    row: () =>
      db.selectFrom('archive').selectAll().where('server_id', '=', owned.serverId).executeTakeFirstOrThrow(),
    addon: () => db.selectFrom('addon').selectAll().where('id', '=', owned.addonId).executeTakeFirstOrThrow(),
    events: async () =>
      (await db.selectFrom('outbox_event').select('type').orderBy('id').execute())
        .map(({ type }) => type)
        .filter((type) => !type.startsWith('tenant.')),
  }
}

test('a whole archive is measured, and nothing is said of it', async () => {
  const { look, row, events } = await surveyed()
  await look()
  expect(await row()).toMatchObject({
    stored_files: 5,
    stored_bytes: 5 * SEGMENT_FILE_BYTES,
    gaps: [],
    surveyed_at: expect.any(String),
    next_backup_at: null,
  })
  expect(await events()).toEqual([])
})

test('a gap is told of once, and has a full backup taken at once', async () => {
  const { listed, look, row, events } = await surveyed()
  listed.stored.delete(SEGMENT(5))
  await look()
  await look()
  expect(await row()).toMatchObject({
    gaps: [
      {
        afterSegment: SEGMENT(4),
        beforeSegment: SEGMENT(6),
        missingSegments: 1,
        from: AT(4),
        to: null,
      },
    ],
    next_backup_at: expect.any(String),
    next_backup_type: 'full',
  })
  expect(await events()).toEqual(['archive.gap-found'])
})

test('a backup that is complete makes up for a gap without another survey', async () => {
  const { db, owned, listed, look, row, aBackup } = await surveyed()
  listed.stored.delete(SEGMENT(5))
  await look()
  const { surveyed_at: surveyedAt } = await row()
  await aBackup(7)
  await db.transaction().execute((tx) => reviseKnownGaps(tx, owned.serverId))
  expect(await row()).toMatchObject({
    gaps: [{ to: '2026-11-23T13:07:01.000000Z' }],
    surveyed_at: surveyedAt,
  })
})

test('newest segments that the server has archived and that are gone are a gap', async () => {
  const { listed, look, row } = await surveyed()
  listed.stored.delete(SEGMENT(7))
  await look()
  expect((await row()).gaps).toMatchObject([{ afterSegment: SEGMENT(6), beforeSegment: null }])
})

test('WAL that expires with its backup is no gap, also while the archive is being listed', async () => {
  const { db, deps, listed, look, row, aBackup, events } = await surveyed()
  await aBackup(6)
  const { archives } = deps
  const { files } = archives
  archives.files = async function* expiring(archive, options) {
    await db.deleteFrom('backup').where('start_lsn', '=', '0/3000028').execute()
    for (const n of [3, 4, 5]) listed.stored.delete(SEGMENT(n))
    yield* files(archive, options)
  }
  await look()
  expect((await row()).gaps).toEqual([])
  expect(await events()).toEqual([])
})

test('a store that does not answer leaves what was known, and invents no gap', async () => {
  const { listed, look, row, failed, events } = await surveyed()
  await look()
  const known = await row()
  listed.isDown = true
  await look()
  expect(await row()).toEqual({ ...known, survey_tried_at: expect.any(String) })
  expect(failed).toMatchObject([{ code: 'archive-unreachable' }])
  expect(await events()).toEqual([])
})

test('a store that refuses is not asked for listings', async () => {
  const { look, row, failed } = await surveyed()
  await look(new Problem('archive-unreachable'))
  expect(await row()).toMatchObject({ surveyed_at: null, survey_tried_at: null })
  expect(failed).toEqual([])
})

test('archives that always fail do not keep the others from their turn', async () => {
  const { db, deps, look, owned, row } = await surveyed({ everySeconds: 600 })
  for (let n = 0; n < 21; n++) await anAddon(db, owned.tenantId)
  const since = { archiving_since: AT(3) }
  await db.updateTable('archive').set(since).execute()
  await db
    .updateTable('archive')
    .set({ survey_tried_at: AT(4) })
    .where('server_id', '=', owned.serverId)
    .execute()
  const { files } = deps.archives
  deps.archives.files = (archive, options) => {
    if (archive.serverId !== owned.serverId) throw new Error('that one is broken')
    return files(archive, options)
  }
  await look()
  await look()
  expect(await row()).toMatchObject({ surveyed_at: expect.any(String) })
})

test('archives that are being purged do not keep the others from their turn', async () => {
  const { db, look, owned, row } = await surveyed({ everySeconds: 600 })
  await db
    .updateTable('archive')
    .set({ survey_tried_at: AT(4) })
    .execute()
  for (let n = 0; n < 20; n++) {
    const other = await anAddon(db, owned.tenantId, 'deleted')
    await openOperation(db, { ...other, kind: 'archive.purge', memo: {} })
  }
  await db
    .updateTable('archive')
    .set({ archiving_since: AT(3) })
    .execute()
  await look()
  expect(await row()).toMatchObject({ surveyed_at: expect.any(String) })
})

test('an archive is surveyed again only after a while, and each pass is bounded, those never surveyed first', async () => {
  const { db, look, owned, row } = await surveyed({ everySeconds: 600 })
  await look()
  const { surveyed_at: first } = await row()
  for (let n = 0; n < 21; n++) await anAddon(db, owned.tenantId)
  await db
    .updateTable('archive')
    .set({ archiving_since: AT(3) })
    .execute()
  await look()
  const never = db.selectFrom('archive').select('server_id').where('surveyed_at', 'is', null)
  expect(await never.execute()).toHaveLength(1)
  await look()
  expect(await never.execute()).toHaveLength(0)
  expect((await row()).surveyed_at).toBe(first)
})

test('the archive of a deleted add-on is surveyed while it is kept, and no backup is asked for', async () => {
  const { db, listed, look, row, events } = await surveyed()
  await db
    .updateTable('addon')
    .set({ status: 'deleted', deleted_at: AT(8) })
    .execute()
  listed.stored.delete(SEGMENT(5))
  await look()
  expect(await row()).toMatchObject({ stored_files: 4, gaps: [{ to: null }], next_backup_at: null })
  expect(await events()).toEqual(['archive.gap-found'])
})

test('an archive that is being removed has no gaps', async () => {
  const { db, listed, look, row, events } = await surveyed()
  await db.updateTable('addon').set({ status: 'deleting' }).execute()
  listed.stored.clear()
  await look()
  expect(await row()).toMatchObject({ gaps: [], surveyed_at: null })
  expect(await events()).toEqual([])
})
