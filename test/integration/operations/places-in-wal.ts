import { requestBackup } from '../../../src/services/request-backup.ts'
import { requestRestorePoint } from '../../../src/services/request-restore-point.ts'
import {
  addonOf,
  aProtectedAddon,
  gone,
  keepNothing,
  remove,
  restoreTo,
  type Scenario,
  serving,
  TARGET,
} from './scenario.ts'
import { caller, type Stage, workToEnd } from './stage.ts'

const makePoint = async (stage: Stage) =>
  void (await requestRestorePoint(stage.services, caller, (await addonOf(stage)).id, 'before-upgrade'))

async function anAddonWithPoint(stage: Stage): Promise<void> {
  await aProtectedAddon(stage)
  await makePoint(stage)
  await workToEnd(stage)
}

/** Backups of the fake world all stop at the same moment; the one that was taken first is tried first. */
const FIRST = '20261123-130000F'
const SECOND = '20261123-130001F'

const twoBackupsOf =
  (...damaged: string[]) =>
  async (stage: Stage) => {
    await aProtectedAddon(stage)
    await requestBackup(stage.services, caller, (await addonOf(stage)).id, 'full')
    await workToEnd(stage)
    for (const label of damaged) stage.world.damaged.add(label)
  }

/** For the crash matrix: targets that are places in WAL, restore points, and backups that are damaged. */
export const placesInWal: readonly Scenario[] = [
  ...[{ lsn: '0/4000028' }, { xid: '741' }, { name: 'before-upgrade' }].map((target) => ({
    name: `a restore to ${JSON.stringify(target)} makes a child that serves and is protected`,
    given: anAddonWithPoint,
    when: restoreTo(target),
    end: {
      addons: [serving('shop'), serving('copy')],
      restores: [{ status: 'succeeded', from: FIRST, reached: { exact: true, timeline: 2 } }],
      directories: 2,
      archives: 2,
    },
    crashIn: ['restore.run'],
  })),
  {
    name: 'a restore to a transaction that never ended leaves nothing, and fetches nothing',
    given: aProtectedAddon,
    when: restoreTo({ xid: '740' }),
    end: {
      addons: [serving('shop'), gone('copy')],
      restores: [{ status: 'failed', failure: 'target-not-found', from: undefined }],
      directories: 1,
      archives: 1,
    },
  },
  {
    name: 'a restore to a transaction of an add-on whose directory is lost finds it in the archive',
    given: async (stage) => {
      await anAddonWithPoint(stage)
      stage.world.servers.clear()
    },
    when: restoreTo({ xid: '741' }),
    end: { restores: [{ status: 'succeeded', reached: { exact: true } }] },
    crashIn: ['restore.run'],
  },
  {
    name: 'a restore to a transaction of a lost add-on goes on with another backup where one is damaged',
    given: async (stage) => {
      await twoBackupsOf(SECOND)(stage)
      await makePoint(stage)
      await workToEnd(stage)
      stage.world.servers.clear()
    },
    when: restoreTo({ xid: '741' }),
    end: { restores: [{ status: 'succeeded', from: FIRST, reached: { exact: true } }] },
    crashIn: ['restore.run'],
  },
  {
    name: 'a restore goes on with another backup where one is damaged, and says which',
    given: twoBackupsOf(FIRST),
    when: restoreTo(TARGET),
    end: {
      addons: [
        {
          backups: [
            { label: FIRST, isDamaged: true },
            { label: SECOND, isDamaged: false },
          ],
        },
        serving('copy'),
      ],
      restores: [{ status: 'succeeded', from: SECOND }],
    },
    crashIn: ['restore.run'],
  },
  {
    name: 'a restore to an LSN goes on with another backup where one is damaged',
    given: twoBackupsOf(FIRST),
    when: restoreTo({ lsn: '0/4000028' }),
    end: { restores: [{ status: 'succeeded', from: SECOND }] },
    crashIn: ['restore.run'],
  },
  {
    name: 'a restore whose backups are all damaged leaves nothing',
    given: twoBackupsOf(FIRST, SECOND),
    when: restoreTo(TARGET),
    end: {
      addons: [{ backups: [{ isDamaged: true }, { isDamaged: true }] }, gone('copy')],
      restores: [{ status: 'failed', failure: 'backup-damaged' }],
      directories: 1,
    },
    crashIn: ['restore.run'],
  },
  {
    name: 'a restore point is archived',
    given: aProtectedAddon,
    when: makePoint,
    end: {
      addons: [serving('shop')],
      points: [{ name: 'before-upgrade', status: 'archived', lsn: '0/4000090' }],
    },
  },
  {
    name: 'an add-on that is deleted while a restore point is made leaves nothing, and the point has failed',
    given: async (stage) => {
      await keepNothing(stage)
      await aProtectedAddon(stage)
    },
    when: async (stage) => {
      stage.world.ambush = { call: 'makeRestorePoint', happens: () => remove(stage) }
      await makePoint(stage)
    },
    end: {
      addons: [gone('shop')],
      points: [{ status: 'failed', failure: 'cancelled' }],
      directories: 0,
      archives: 0,
    },
    crashIn: ['addon.delete'],
  },
]
