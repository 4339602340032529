import { expect, test, vi } from 'vitest'
import { sealContext } from '../../../src/secrets/key-ring.ts'
import { createAddon } from '../../../src/services/create-addon.ts'
import { deleteAddon } from '../../../src/services/delete-addon.ts'
import { requestRestore } from '../../../src/services/request-restore.ts'
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
const addonOf = ({ db }: Stage) => db.selectFrom('addon').selectAll().executeTakeFirstOrThrow()

/** As if the deletion had waited for two minutes already. */
const letPollsPass = ({ db }: Stage) =>
  db
    .updateTable('operation')
    .set({ memo: JSON.stringify({ polls: 60 }) })
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
})

test('a server that crashes while its last commits are archived is started for them', async () => {
  const { stage, id } = await aProtectedAddon()
  await deleteAddon(stage.services, caller, id)
  let looks = 0
  const crash = async (): Promise<void> => {
    // The first look is that of the step that commits the marker.
    if (++looks < 3) stage.world.ambush = { call: 'postgresState', happens: crash }
    else for (const server of stage.world.servers.values()) server.port = null
  }
  stage.world.ambush = { call: 'postgresState', happens: crash }
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
