import { expect, test, vi } from 'vitest'
import { sealContext } from '../../../src/secrets/key-ring.ts'
import { cancelRestore } from '../../../src/services/cancel-restore.ts'
import { createAddon } from '../../../src/services/create-addon.ts'
import { deleteAddon } from '../../../src/services/delete-addon.ts'
import { requestRestore } from '../../../src/services/request-restore.ts'
import { ANCHOR_SEGMENT, BACKUP_SEGMENT, type FakeArchive } from '../../support/fake/world.ts'
import { freshMetadata } from '../../support/metadata-database.ts'
import { caller, newStage, type Stage, workToEnd } from './stage.ts'

const { fakeSql } = vi.hoisted(() => ({ fakeSql: () => import('../../support/fake/postgres-sql.ts') }))
vi.mock('../../../src/postgres/connect.ts', fakeSql)
vi.mock('../../../src/postgres/admission.ts', fakeSql)
vi.mock('../../../src/postgres/cluster-size.ts', fakeSql)
vi.mock('../../../src/postgres/anchor.ts', fakeSql)
vi.mock('../../../src/postgres/wal-waiting.ts', fakeSql)
vi.mock('../../../src/postgres/roles.ts', fakeSql)
vi.mock('../../../src/postgres/reached.ts', fakeSql)
vi.mock('../../../src/postgres/side-effects.ts', fakeSql)
vi.mock('../../../src/postgres/inherited-settings.ts', async (importOriginal) => ({
  ...(await importOriginal<object>()),
  inheritedSettings: (await fakeSql()).inheritedSettings,
}))

async function aProtectedAddon(): Promise<{ stage: Stage; id: string }> {
  const { db } = await freshMetadata()
  const stage = await newStage(db)
  const { id } = await createAddon(stage.services, caller, { tenantId: stage.tenantId, name: 'shop' })
  await workToEnd(stage)
  return { stage, id }
}

const archiveOf = ({ db }: Stage) => db.selectFrom('archive').selectAll().executeTakeFirstOrThrow()
const archiveIn = ({ world }: Stage) => [...world.archives.values()][0] as FakeArchive
const addonOf = ({ db }: Stage) => db.selectFrom('addon').selectAll().executeTakeFirstOrThrow()

async function deletedEventOf({ db }: Stage) {
  const events = db.selectFrom('outbox_event').select('payload').where('type', '=', 'addon.deleted')
  return (await events.executeTakeFirstOrThrow()).payload
}

/** As if the deletion had waited for two minutes already, and nothing had been archived since that segment. */
const letPollsPass = ({ db }: Stage, lastArchived = BACKUP_SEGMENT) =>
  db
    .updateTable('operation')
    .set({ memo: JSON.stringify({ polls: 60, lastArchived }) })
    .where('kind', '=', 'addon.delete')
    .execute()

test.each([
  ['a store that takes no WAL', (stage: Stage) => void stage.world.failing.add('archive-push')],
  ['a server that does not come up', (stage: Stage) => void stage.world.failing.add('postgres')],
])('%s does not hold a deletion for ever', async (_what, breaks) => {
  const { stage, id } = await aProtectedAddon()
  breaks(stage)
  await deleteAddon(stage.services, caller, id)
  await letPollsPass(stage)
  await workToEnd(stage)
  expect(await addonOf(stage)).toMatchObject({ status: 'deleted' })
  expect(await archiveOf(stage)).toMatchObject({ keep_until: expect.any(String), last_commit_at: null })
  expect(await deletedEventOf(stage)).toMatchObject({ archiveComplete: false })
})

/** Lets something happen when the deletion has looked after its server that often; the first time is for the marker. */
function atLook(stage: Stage, count: number, happens: () => void): void {
  let looks = 0
  const look = async (): Promise<void> => {
    if (++looks >= count) return happens()
    stage.world.ambush = { call: 'postgresState', happens: look }
  }
  stage.world.ambush = { call: 'postgresState', happens: look }
}

const archiveWhatWaits = (stage: Stage): void => void archiveIn(stage).segments.push(ANCHOR_SEGMENT)

test('a deletion waits for as long as the store is away, and loses nothing', async () => {
  const { stage, id } = await aProtectedAddon()
  stage.world.failing.add('archive-push').add('store')
  await deleteAddon(stage.services, caller, id)
  await letPollsPass(stage)
  atLook(stage, 6, () => {
    stage.world.failing.clear()
    archiveWhatWaits(stage)
  })
  await workToEnd(stage)
  expect(await archiveOf(stage)).toMatchObject({ last_commit_at: expect.any(String) })
  expect(await deletedEventOf(stage)).toMatchObject({ archiveComplete: true })
})

test('a deletion goes on waiting while WAL is archived, however slowly', async () => {
  const { stage, id } = await aProtectedAddon()
  stage.world.failing.add('archive-push')
  await deleteAddon(stage.services, caller, id)
  await letPollsPass(stage, '000000010000000000000002')
  atLook(stage, 6, () => archiveWhatWaits(stage))
  await workToEnd(stage)
  expect(await deletedEventOf(stage)).toMatchObject({ archiveComplete: true })
})

test('WAL that the shutdown could not archive is archived before the server goes', async () => {
  const { stage, id } = await aProtectedAddon()
  stage.world.failing.add('last-push')
  const happens = async () => void stage.world.failing.delete('last-push')
  stage.world.ambush = { call: 'startPostgres', happens }
  await deleteAddon(stage.services, caller, id)
  await workToEnd(stage)
  expect(stage.world.failing.size).toBe(0)
  expect(await deletedEventOf(stage)).toMatchObject({ archiveComplete: true })
})

test('a cancelled restore ends while the store is away, as nothing of it is there', async () => {
  const { stage, id } = await aProtectedAddon()
  const { id: restoreId } = await requestRestore(stage.services, caller, id, { target: { latest: true } })
  const happens = async () => {
    await cancelRestore(stage.services, caller, restoreId)
    stage.world.failing.add('store')
  }
  stage.world.ambush = { call: 'startTask restore', happens }
  await workToEnd(stage)
  const [restore] = await stage.db.selectFrom('restore').select('status').execute()
  expect(restore).toEqual({ status: 'cancelled' })
})

test('a server that crashes while its last commits are archived is started for them', async () => {
  const { stage, id } = await aProtectedAddon()
  await deleteAddon(stage.services, caller, id)
  atLook(stage, 3, () => {
    for (const server of stage.world.servers.values()) server.port = null
  })
  await workToEnd(stage)
  const operation = stage.db.selectFrom('operation').select('id').where('kind', '=', 'addon.delete')
  const steps = await stage.db
    .selectFrom('operation_step')
    .select('step')
    .where('operation_id', '=', operation)
    .orderBy('ordinal')
    .execute()
  expect(steps.map(({ step }) => step).filter((step) => step === 'end-segment')).toHaveLength(2)
  expect(await archiveOf(stage)).toMatchObject({ last_commit_at: expect.any(String) })
})

test('an archive is kept for as long as the policy of the add-on says when it is deleted', async () => {
  const { stage, id } = await aProtectedAddon()
  await stage.db
    .updateTable('addon')
    .set({ backup_policy: JSON.stringify({ deletedRetentionDays: 30 }) })
    .execute()
  await deleteAddon(stage.services, caller, id)
  await workToEnd(stage)
  const days = (Date.parse((await archiveOf(stage)).keep_until ?? '') - Date.now()) / 86_400_000
  expect(days).toBeCloseTo(30, 1)
})

const letItsTimePass = ({ db }: Stage) =>
  db
    .updateTable('archive')
    .set({ keep_until: '2026-01-01T00:00:00.000000Z' })
    .where('keep_until', 'is not', null)
    .execute()

test('a purged archive and its add-on leave no secret', async () => {
  const { stage, id } = await aProtectedAddon()
  await deleteAddon(stage.services, caller, id)
  await workToEnd(stage)
  await letItsTimePass(stage)
  await workToEnd(stage)
  const [archive, addon] = [await archiveOf(stage), await addonOf(stage)]
  expect(archive.removed_at).not.toBeNull()
  const cipherPass = stage.keyRing.open(
    archive.cipher_pass_sealed,
    sealContext.archiveCipher(archive.server_id),
  )
  expect(cipherPass).toBe('')
  expect(stage.keyRing.open(addon.password_sealed, sealContext.addonPassword(id))).toBe('')
})

test('an archive that a restore still reads is not purged before the restore has ended', async () => {
  const { stage, id } = await aProtectedAddon()
  await deleteAddon(stage.services, caller, id)
  await workToEnd(stage)
  await requestRestore(stage.services, caller, id, { target: { latest: true } })
  await letItsTimePass(stage)
  await workToEnd(stage)
  const kinds = await stage.db.selectFrom('operation').select('kind').orderBy('id').execute()
  expect(kinds.map(({ kind }) => kind).slice(-4)).toEqual([
    'restore.run',
    'server.protect',
    'backup.take',
    'archive.purge',
  ])
  const [restore] = await stage.db.selectFrom('restore').select('status').execute()
  expect(restore).toEqual({ status: 'succeeded' })
})
