import { createAddon } from '../../../src/services/create-addon.ts'
import { deleteAddon } from '../../../src/services/delete-addon.ts'
import { requestBackup } from '../../../src/services/request-backup.ts'
import { requestDrill } from '../../../src/services/request-drill.ts'
import { keepNothing } from './scenario.ts'
import { caller, type Stage, workToEnd } from './stage.ts'

async function aProtectedAddon(stage: Stage): Promise<void> {
  const { services, tenantId } = stage
  const backupPolicy = { drillProbe: 'select true' }
  await createAddon(services, caller, { tenantId, name: 'shop', backupPolicy })
  await workToEnd(stage)
}

async function aFleetingAddon(stage: Stage): Promise<void> {
  await keepNothing(stage)
  await aProtectedAddon(stage)
}

async function twoBackups(stage: Stage): Promise<void> {
  await aProtectedAddon(stage)
  await requestBackup(stage.services, caller, await shopOf(stage), 'full')
  await workToEnd(stage)
}

async function shopOf({ db, tenantId }: Stage): Promise<string> {
  const addon = db.selectFrom('addon').select('id').where('tenant_id', '=', tenantId)
  return (await addon.where('name', '=', 'shop').executeTakeFirstOrThrow()).id
}

const drill = async (stage: Stage) => void (await requestDrill(stage.services, caller, await shopOf(stage)))

const [FIRST, SECOND] = ['20261123-130000F', '20261123-130001F']
const untouched = {
  name: 'shop',
  status: 'available',
  protection: 'protected',
  server: { listensOnIt: true, directory: { admitsClients: true, archives: true } },
}
const thrownAway = {
  name: 'drill',
  status: 'deleted',
  server: { desiredState: 'absent', hasPort: false, isDeleted: true, directory: null },
  archive: { isRemoved: true, stanza: undefined },
}
const nothingLeft = { addons: [untouched, thrownAway], directories: 1, archives: 1 }
const checked = (...names: string[]) => names.map((name) => ({ name, passed: true }))

const cancelled = {
  addons: [{ name: 'shop', status: 'deleted' }, thrownAway],
  drills: [{ status: 'cancelled', failure: 'cancelled' }],
  directories: 0,
  archives: 0,
}

/** The deletion of the add-on is asked for while that call of its drill is under way. */
const deletedDuring = (call: string) => async (stage: Stage) => {
  await drill(stage)
  const id = await shopOf(stage)
  const happens = async () => void (await deleteAddon(stage.services, caller, id))
  stage.world.ambush = { call, happens }
}

export const drillScenarios = [
  {
    name: 'a drill leaves nothing but its evidence',
    given: aProtectedAddon,
    when: drill,
    end: {
      ...nothingLeft,
      drills: [
        {
          status: 'succeeded',
          wasRestored: true,
          rpoSeconds: 0,
          backup: FIRST,
          reached: { exact: false, reason: 'end_of_wal' },
          checks: checked('archive', 'amcheck', 'rows', 'probe'),
        },
      ],
      restores: [{ status: 'succeeded' }],
    },
  },
  {
    name: 'a drill that finds a damaged backup goes on with the one before',
    given: twoBackups,
    when: async (stage: Stage) => {
      stage.world.damaged.add(SECOND)
      await drill(stage)
    },
    end: {
      addons: [{ ...untouched, backups: [{ isDamaged: false }, { isDamaged: true }] }, thrownAway],
      drills: [
        {
          status: 'failed',
          failure: 'backup-damaged',
          wasRestored: true,
          backup: FIRST,
          checks: [{ name: 'archive', passed: false }, ...checked('amcheck', 'rows', 'probe')],
        },
      ],
      restores: [{ status: 'succeeded' }],
    },
    crashIn: ['drill.verify'],
  },
  {
    name: 'a drill that finds no sound backup has failed',
    given: aProtectedAddon,
    when: async (stage: Stage) => {
      stage.world.damaged.add(FIRST)
      await drill(stage)
    },
    end: {
      ...nothingLeft,
      drills: [{ status: 'failed', failure: 'backup-damaged', checks: [{ passed: false }] }],
      restores: [{ status: 'failed' }],
    },
    crashIn: ['drill.verify'],
  },
  {
    name: 'a drill whose restore fails has failed',
    given: aProtectedAddon,
    when: async (stage: Stage) => {
      stage.world.failing.add('restore')
      await drill(stage)
    },
    end: {
      ...nothingLeft,
      drills: [{ status: 'failed', failure: 'backup-unreadable', checks: checked('archive') }],
      restores: [{ status: 'failed', failure: 'backup-unreadable' }],
    },
    crashIn: ['restore.run'],
  },
  {
    name: 'a drill whose probe never has an answer has failed',
    given: aProtectedAddon,
    when: async (stage: Stage) => {
      stage.world.failing.add('probe')
      await drill(stage)
    },
    end: {
      ...nothingLeft,
      drills: [
        {
          status: 'failed',
          failure: 'drill-failed',
          checks: [...checked('archive', 'amcheck', 'rows'), { name: 'probe', passed: false }],
        },
      ],
      restores: [{ status: 'succeeded' }],
    },
    crashIn: ['drill.check'],
  },
  {
    name: 'a drill of an add-on that is deleted is cancelled',
    given: aFleetingAddon,
    when: deletedDuring('startTask verify'),
    end: { ...cancelled, restores: [{ status: 'cancelled' }] },
  },
  {
    name: 'a drill is cancelled that looks at what it has restored when its add-on is deleted',
    given: aFleetingAddon,
    when: deletedDuring('startTask pg_amcheck'),
    end: { ...cancelled, restores: [{ status: 'succeeded' }] },
    crashIn: ['drill.check', 'addon.delete'],
  },
]
