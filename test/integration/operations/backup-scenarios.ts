import { expect } from 'vitest'
import { addSeconds } from '../../../src/domain/moment.ts'
import { createAddon } from '../../../src/services/create-addon.ts'
import { requestBackup } from '../../../src/services/request-backup.ts'
import { requestRestore } from '../../../src/services/request-restore.ts'
import { archiveOf, BACKUP_STOPPED_AT } from '../../support/fake/world.ts'
import { addonOf, aProtectedAddon, type Scenario } from './scenario.ts'
import { caller, type Stage, workToEnd } from './stage.ts'

const DAY_SECONDS = 86_400

const backUp = (type: 'full' | 'differential') => async (stage: Stage) =>
  void (await requestBackup(stage.services, caller, (await addonOf(stage)).id, type))

/** Two full backups and a differential one, all older than what is kept once there is another full one. */
async function anAddonWithOldBackups(stage: Stage): Promise<void> {
  const backupPolicy = { retentionDays: 1, retentionFulls: 1 }
  await createAddon(stage.services, caller, { tenantId: stage.tenantId, name: 'shop', backupPolicy })
  await workToEnd(stage)
  for (const type of ['differential', 'full'] as const) {
    await backUp(type)(stage)
    await workToEnd(stage)
  }
  const { server_id: serverId } = await addonOf(stage)
  for (const [index, { info }] of archiveOf(stage.world, serverId).backups.entries()) {
    info.stoppedAt = addSeconds(BACKUP_STOPPED_AT, (index - 5) * DAY_SECONDS)
    const row = stage.db.updateTable('backup').set({ backup_stopped_at: info.stoppedAt })
    await row.where('server_id', '=', serverId).where('label', '=', info.label).execute()
  }
}

const expired = { status: 'succeeded', isExpired: true }
const kept = { status: 'succeeded', isExpired: false }

/** What schedules, slots and retention add to the crash matrix. */
export const backupScenarios: Scenario[] = [
  {
    name: 'a backup that is due is taken, and the next one planned',
    given: aProtectedAddon,
    when: async (stage) => {
      const { server_id: serverId } = await addonOf(stage)
      const due = {
        next_backup_at: addSeconds(BACKUP_STOPPED_AT, -1),
        next_backup_type: 'differential',
      } as const
      await stage.db.updateTable('archive').set(due).where('server_id', '=', serverId).execute()
    },
    end: {
      addons: [
        {
          backups: [kept, kept],
          archive: {
            backups: [expect.stringMatching(/F$/), expect.stringMatching(/D$/)],
            hasNextBackup: true,
          },
        },
      ],
    },
    crashIn: ['backup.take'],
  },
  {
    name: 'a new backup makes old ones dispensable, and they are removed',
    given: anAddonWithOldBackups,
    when: backUp('full'),
    end: {
      addons: [
        {
          status: 'available',
          backups: [expired, expired, kept, kept],
          archive: { backups: ['20261123-130002F', '20261123-130003F'] },
        },
      ],
      operations: expect.arrayContaining([{ kind: 'archive.expire', status: 'succeeded' }]),
    },
    crashIn: ['backup.take', 'archive.expire'],
  },
  {
    name: 'a restore that is asked for while old backups are removed starts from one that stays',
    given: anAddonWithOldBackups,
    when: async (stage) => {
      const restored = { target: { time: addSeconds(BACKUP_STOPPED_AT, -DAY_SECONDS) }, name: 'copy' }
      stage.world.ambush = {
        call: 'startTask expire',
        happens: async () =>
          void (await requestRestore(stage.services, caller, (await addonOf(stage)).id, restored)),
      }
      await backUp('full')(stage)
    },
    end: {
      addons: [
        { archive: { backups: ['20261123-130002F', '20261123-130003F'] } },
        { name: 'copy', status: 'available', protection: 'protected' },
      ],
      restores: [{ status: 'succeeded' }],
    },
    crashIn: ['archive.expire'],
  },
  {
    name: 'old backups that cannot be removed are given up all the same',
    given: anAddonWithOldBackups,
    when: async (stage) => {
      stage.world.failing.add('expire')
      await backUp('full')(stage)
    },
    end: {
      addons: [{ status: 'available', backups: [expired, expired, kept, kept] }],
      operations: expect.arrayContaining([
        { kind: 'archive.expire', status: 'failed', failure: 'archive-unreachable' },
      ]),
    },
    crashIn: ['archive.expire'],
  },
  {
    name: 'a full backup is taken where a differential one would build upon a damaged one',
    given: async (stage) => {
      await aProtectedAddon(stage)
      const damaged = stage.db.updateTable('backup').set({ damaged_at: BACKUP_STOPPED_AT })
      await damaged.where('tenant_id', '=', stage.tenantId).execute()
    },
    when: backUp('differential'),
    end: {
      addons: [
        {
          backups: [{ isDamaged: true }, { ...kept, isDamaged: false }],
          archive: { backups: [expect.stringMatching(/F$/), expect.stringMatching(/F$/)] },
        },
      ],
    },
    crashIn: ['backup.take'],
  },
  {
    name: 'a backup for which the disk has too little room is not begun',
    given: aProtectedAddon,
    when: async (stage) => {
      stage.world.disk.freeBytes = 10
      await backUp('full')(stage)
    },
    end: {
      addons: [{ backups: [kept, { status: 'failed', failure: 'insufficient-disk-space' }] }],
    },
    crashIn: ['backup.take'],
  },
]
