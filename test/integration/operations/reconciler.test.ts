import { expect, test, vi } from 'vitest'
import { Problem } from '../../../src/domain/problem.ts'
import { reconcile } from '../../../src/operations/reconciler.ts'
import type { WorkDeps } from '../../../src/operations/server-work.ts'
import { storeWatch } from '../../../src/operations/store-watch.ts'
import { compareArchives } from '../../../src/operations/stored-archives.ts'
import { createAddon } from '../../../src/services/create-addon.ts'
import { newLife } from '../../support/fake/life.ts'
import { enter } from '../../support/fake/postgres-sql.ts'
import { freshMetadata } from '../../support/metadata-database.ts'
import { caller, fakeWorkDeps, newStage, type Stage, workToEnd } from './stage.ts'

const { fakeSql } = vi.hoisted(() => ({ fakeSql: () => import('../../support/fake/postgres-sql.ts') }))
vi.mock('../../../src/postgres/connect.ts', fakeSql)
vi.mock('../../../src/postgres/admission.ts', fakeSql)
vi.mock('../../../src/postgres/cluster-size.ts', fakeSql)
vi.mock('../../../src/postgres/anchor.ts', fakeSql)
vi.mock('../../../src/postgres/wal-waiting.ts', fakeSql)
vi.mock('../../../src/postgres/roles.ts', fakeSql)

async function aProtectedAddon() {
  const { db } = await freshMetadata()
  const stage = await newStage(db)
  await createAddon(stage.services, caller, { tenantId: stage.tenantId, name: 'shop' })
  await workToEnd(stage)
  return stage
}

interface Asked {
  times: number
  refusal: Problem | null
}

/** The worker's rounds, over a store of which it is known how often it is asked. */
function rounds(stage: Stage) {
  const life = newLife()
  enter(stage.world, life)
  const asked: Asked = { times: 0, refusal: null }
  const fake = fakeWorkDeps(stage, life)
  const check = async () => {
    asked.times += 1
    if (asked.refusal !== null) throw asked.refusal
  }
  const deps: WorkDeps = { ...fake, archives: { ...fake.archives, check } }
  let now = 0
  const store = storeWatch(() => now)
  const reports: string[] = []
  const report = ({ action, error }: { action: string; error?: unknown }) =>
    void reports.push(error instanceof Error ? error.message : action)
  return {
    asked,
    deps,
    reports,
    report,
    calls: life.calls,
    pass: (seconds = 10) => {
      now += seconds * 1000
      return reconcile(deps, store, report)
    },
  }
}

const addonOf = ({ db }: Stage) =>
  db.selectFrom('addon').select(['protection', 'stalled']).executeTakeFirstOrThrow()

test('an add-on whose server is lost is stalled as that, and protected once it is back', async () => {
  const stage = await aProtectedAddon()
  const { pass, reports } = rounds(stage)
  const servers = [...stage.world.servers]
  stage.world.servers.clear()
  await pass()
  expect(await addonOf(stage)).toMatchObject({ protection: 'stalled', stalled: { code: 'server-lost' } })
  for (const [id, server] of servers) stage.world.servers.set(id, server)
  await pass()
  expect(await addonOf(stage)).toEqual({ protection: 'protected', stalled: null })
  expect(reports).toEqual([])
})

test('while the store refuses every add-on is stalled in its words, and it recovers with the store', async () => {
  const stage = await aProtectedAddon()
  const { asked, pass } = rounds(stage)
  asked.refusal = new Problem('archive-unreachable', { detail: 'The bucket does not exist.' })
  await pass()
  expect((await addonOf(stage)).stalled).toMatchObject({
    code: 'archive-unreachable',
    detail: 'The bucket does not exist.',
  })
  asked.refusal = null
  await pass()
  expect(await addonOf(stage)).toEqual({ protection: 'protected', stalled: null })
})

test('while the store refuses no segment is looked through, and that is made up for afterwards', async () => {
  const stage = await aProtectedAddon()
  const { asked, pass, reports } = rounds(stage)
  const { db } = stage
  await db.updateTable('archive').set({ last_archived_segment: null }).execute()
  const seen = () =>
    db.selectFrom('archive').select(['last_archived_segment', 'observed_at']).executeTakeFirstOrThrow()
  asked.refusal = new Problem('archive-unreachable')
  await pass()
  expect(await seen()).toEqual({ last_archived_segment: null, observed_at: expect.any(String) })
  asked.refusal = null
  await pass()
  expect((await seen()).last_archived_segment).not.toBeNull()
  expect(reports).toEqual([])
})

test('a store is asked once by several who want to know', async () => {
  const { asked, deps } = rounds(await aProtectedAddon())
  const store = storeWatch(() => 0)
  expect(await Promise.all([store.refusal(deps), store.refusal(deps)])).toEqual([null, null])
  expect(asked.times).toBe(1)
})

test('a server that does not answer does not hold up the others', async () => {
  const stage = await aProtectedAddon()
  await createAddon(stage.services, caller, { tenantId: stage.tenantId, name: 'other' })
  await workToEnd(stage)
  const { deps, pass, reports } = rounds(stage)
  const { driver } = deps
  // None answers before both have been asked.
  const both = Promise.withResolvers<void>()
  const askedFor = new Set<string>()
  deps.driver = {
    ...driver,
    async postgresState(serverId) {
      if (askedFor.add(serverId).size === 2) both.resolve()
      await both.promise
      return driver.postgresState(serverId)
    },
  }
  await pass()
  expect(reports).toEqual([])
})

test('a store that works is asked in every other pass, and one that does not in every one', async () => {
  const { asked, pass } = rounds(await aProtectedAddon())
  for (let passes = 0; passes < 12; passes++) await pass(10)
  expect(asked.times).toBe(6)
  asked.refusal = new Problem('archive-unreachable')
  for (let passes = 0; passes < 6; passes++) await pass(10)
  expect(asked.times).toBe(12)
})

test('passes do not list the stored archives', async () => {
  const { calls, pass } = rounds(await aProtectedAddon())
  await pass()
  expect(calls.map(({ name }) => name)).toContain('postgresState')
  expect(calls.map(({ name }) => name)).not.toContain('archives.list')
})

const observed = async ({ db }: Stage) =>
  (await db.selectFrom('observation').selectAll().where('name', '=', 'archives_unowned').execute()).map(
    ({ value }) => value,
  )

test('an archive that no row knows is counted and left alone', async () => {
  const stage = await aProtectedAddon()
  const { deps, report, reports } = rounds(stage)
  stage.world.archives.set('srv_stranger', { hasStanza: true, backups: [], segments: [], points: [] })
  await compareArchives(deps, 3600, report)
  expect(reports).toEqual(['left-alone'])
  expect(await observed(stage)).toEqual([1])
  expect(stage.world.archives.size).toBe(2)
})

test('an archive that its row calls removed is removed, and one that is kept is not', async () => {
  const stage = await aProtectedAddon()
  const { deps, report, reports } = rounds(stage)
  await stage.db.updateTable('archive').set({ keep_until: '2026-01-01T00:00:00.000000Z' }).execute()
  await compareArchives(deps, 3600, report)
  expect(stage.world.archives.size).toBe(1)
  await stage.db.updateTable('archive').set({ removed_at: '2026-01-01T00:00:00.000000Z' }).execute()
  await stage.db.deleteFrom('observation').execute()
  await compareArchives(deps, 3600, report)
  expect(reports).toEqual(['removed'])
  expect(stage.world.archives.size).toBe(0)
})

test('archives are compared by one worker', async () => {
  const stage = await aProtectedAddon()
  const { calls, deps, report } = rounds(stage)
  await compareArchives(deps, 3600, report)
  await compareArchives(deps, 3600, report)
  expect(calls.filter(({ name }) => name === 'archives.list')).toHaveLength(1)
})
