import { sql } from 'kysely'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { workflows } from '../../../src/operations/workflows/all.ts'
import { cancelRestore } from '../../../src/services/cancel-restore.ts'
import { requestBackup } from '../../../src/services/request-backup.ts'
import { serverOf } from '../../support/fake/world.ts'
import { type FreshMetadata, freshMetadata } from '../../support/metadata-database.ts'
import { backupScenarios } from './backup-scenarios.ts'
import { credentialScenarios } from './credential-scenarios.ts'
import { deletionScenarios } from './deletion-scenarios.ts'
import { drillScenarios } from './drill-scenarios.ts'
import { placesInWal } from './places-in-wal.ts'
import { addonOf, aProtectedAddon, create, gone, restore, type Scenario, serving } from './scenario.ts'
import { caller, newStage, type Stage, workToEnd } from './stage.ts'
import { tracesOf } from './traces.ts'

const { fakeSql } = vi.hoisted(() => ({ fakeSql: () => import('../../support/fake/postgres-sql.ts') }))
vi.mock('../../../src/postgres/connect.ts', fakeSql)
vi.mock('../../../src/postgres/admission.ts', fakeSql)
vi.mock('../../../src/postgres/anchor.ts', fakeSql)
vi.mock('../../../src/postgres/cluster-size.ts', fakeSql)
vi.mock('../../../src/postgres/wal-waiting.ts', fakeSql)
vi.mock('../../../src/postgres/roles.ts', fakeSql)
vi.mock('../../../src/postgres/logins.ts', fakeSql)
vi.mock('../../../src/postgres/reached.ts', fakeSql)
vi.mock('../../../src/postgres/restore-point.ts', fakeSql)
vi.mock('../../../src/postgres/side-effects.ts', fakeSql)
vi.mock('../../../src/postgres/last-commit.ts', fakeSql)
vi.mock('../../../src/postgres/read-rows.ts', fakeSql)
vi.mock('../../../src/postgres/probe.ts', fakeSql)
vi.mock('../../../src/postgres/inherited-settings.ts', async (importOriginal) => ({
  ...(await importOriginal<object>()),
  inheritedSettings: (await fakeSql()).inheritedSettings,
}))

const everywhere = [...workflows.keys()]

async function aProtectedAddonWithSubscription(stage: Stage): Promise<void> {
  await create(stage)
  stage.world.ambush = {
    call: 'run create-archive',
    async happens() {
      const { server_id: serverId } = await addonOf(stage)
      serverOf(stage.world, serverId).data?.subscriptions.push({ enabled: true })
    },
  }
  await workToEnd(stage)
}

const scenarios: Scenario[] = [
  ...backupScenarios,
  {
    name: 'a new add-on serves and is protected',
    when: create,
    end: { addons: [serving('shop')], directories: 1, archives: 1 },
  },
  {
    name: 'an add-on has one backup more',
    given: aProtectedAddon,
    when: async (stage) => {
      await requestBackup(stage.services, caller, (await addonOf(stage)).id, 'full')
    },
    end: { addons: [{ backups: [{ status: 'succeeded' }, { status: 'succeeded' }] }] },
  },
  {
    name: 'a backup that cannot be taken has failed, and the add-on serves on',
    given: aProtectedAddon,
    when: async (stage) => {
      stage.world.failing.add('backup')
      await requestBackup(stage.services, caller, (await addonOf(stage)).id, 'full')
    },
    end: { addons: [{ status: 'available', backups: [{ status: 'succeeded' }, { status: 'failed' }] }] },
  },
  {
    name: 'a restore makes a child that serves and is protected',
    given: aProtectedAddon,
    when: async (stage) => void (await restore(stage)),
    end: {
      addons: [serving('shop'), serving('copy')],
      restores: [{ status: 'succeeded', phase: 'done', reached: { exact: true, timeline: 2 } }],
      directories: 2,
      archives: 2,
    },
    crashIn: ['restore.run'],
  },
  {
    name: 'the subscriptions of a restored child are disabled',
    given: aProtectedAddonWithSubscription,
    when: async (stage) => void (await restore(stage)),
    end: {
      addons: [
        { ...serving('shop'), server: { directory: { data: { subscriptions: [{ enabled: true }] } } } },
        { ...serving('copy'), server: { directory: { data: { subscriptions: [{ enabled: false }] } } } },
      ],
      restores: [{ status: 'succeeded' }],
    },
    crashIn: ['restore.run'],
  },
  {
    name: 'a restore of an add-on whose directory is lost reaches the end of the archive',
    given: async (stage) => {
      await aProtectedAddon(stage)
      stage.world.servers.clear()
    },
    when: async (stage) => void (await restore(stage)),
    end: { restores: [{ status: 'succeeded', reached: { exact: false, reason: 'end_of_wal' } }] },
    crashIn: ['restore.run'],
  },
  ...placesInWal,
  {
    name: 'a cancelled restore leaves nothing, and its source serves on',
    given: aProtectedAddon,
    when: async (stage) => {
      const id = await restore(stage)
      const happens = async () => void (await cancelRestore(stage.services, caller, id))
      stage.world.ambush = { call: 'startTask restore', happens }
    },
    end: {
      addons: [serving('shop'), gone('copy')],
      restores: [{ status: 'cancelled', failure: 'cancelled' }],
      directories: 1,
      archives: 1,
    },
  },
  {
    name: 'a restore that the disk has no room for leaves nothing, and its source serves on',
    given: aProtectedAddon,
    when: async (stage) => {
      await restore(stage)
      stage.world.disk = { ...stage.world.disk, freeBytes: 16e6 }
    },
    end: {
      addons: [serving('shop'), gone('copy')],
      restores: [{ status: 'failed', failure: 'insufficient-disk-space' }],
      directories: 1,
      archives: 1,
    },
    crashIn: ['restore.run'],
  },
  {
    name: 'an add-on that cannot be provisioned leaves nothing but its failure',
    when: async (stage) => {
      stage.world.failing.add('initdb')
      await create(stage)
    },
    end: { addons: [{ ...gone('shop'), status: 'failed', failure: 'provisioning-failed' }], directories: 0 },
  },
  ...deletionScenarios,
  ...drillScenarios,
  ...credentialScenarios,
]

/** The steps of every kind of operation that some scenario has gone through. */
const visited = new Set<string>()

describe.each(scenarios.map((scenario) => [scenario.name, scenario] as const))('%s', (_name, scenario) => {
  let metadata: FreshMetadata
  beforeAll(async () => {
    metadata = await freshMetadata()
    return metadata.drop
  })

  async function begin(): Promise<Stage> {
    const stage = await newStage(metadata.db)
    await scenario.given?.(stage)
    await scenario.when(stage)
    return stage
  }

  test('without a crash', async () => {
    const stage = await begin()
    await workToEnd(stage)
    expect(await tracesOf(stage)).toMatchObject(scenario.end)
    for (const step of await stepsOf(stage)) visited.add(step)
  })

  test('with a crash before or after any call', async () => {
    const undisturbed = await begin()
    const { calls } = await workToEnd(undisturbed)
    const expected = await tracesOf(undisturbed)
    const crashIn = scenario.crashIn ?? everywhere
    for (const [index, { name, purpose }] of calls.entries()) {
      if (!crashIn.includes(purpose)) continue
      for (const moment of ['before', 'after'] as const) {
        const stage = await begin()
        const life = await workToEnd(stage, { atCall: index + 1, moment })
        const where = `a crash ${moment} call ${index + 1}, ${name} of ${purpose}`
        expect(life.isOver, where).toBe(true)
        expect(await tracesOf(stage), where).toEqual(expected)
      }
    }
  })
})

async function stepsOf({ db }: Stage): Promise<string[]> {
  const { rows } = await sql<{ kind: string; step: string }>`
    select kind, operation_step.step from operation_step join operation on id = operation_id`.execute(db)
  return rows.map(({ kind, step }) => `${kind} ${step}`)
}

test('the worker crashes in every step there is', () => {
  const all = [...workflows.values()].flatMap(({ kind, steps }) =>
    Object.keys(steps).map((step) => `${kind} ${step}`),
  )
  expect([...visited].sort()).toEqual(all.sort())
})
