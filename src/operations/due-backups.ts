import { insertBackup } from '../db/backups.ts'
import type { Db } from '../db/client.ts'
import {
  countOpenBackups,
  type DueBackup,
  findDueBackups,
  forgetSchedulesOfGone,
  takeOffSchedule,
} from '../db/schedule.ts'
import { transact } from '../db/transact.ts'
import type { CompleteBackupPolicy } from '../domain/backup-policy.ts'
import { isInWindow } from '../domain/backup-schedule.ts'
import { newId } from '../domain/ids.ts'
import { Problem } from '../domain/problem.ts'
import { recordEvent } from '../notify/outbox.ts'
import { planServer, planStale, policyOf } from './backup-planner.ts'
import { openOperation } from './open.ts'

interface Deps {
  db: Db
  platformPolicy: CompleteBackupPolicy
  backupsMax: number
}

const BATCH = 500

/**
 * Opens the base backups that are due, while fewer than `backupsMax` are open in all; the rest stays due. Those on
 * request never take the last place, so that however many there are the schedule goes on. One that comes too late for
 * its window waits for the next.
 */
export async function openDueBackups({ db, platformPolicy, backupsMax }: Deps): Promise<void> {
  await planStale(db, platformPolicy)
  await forgetSchedulesOfGone(db)
  const { scheduled, onRequest } = await countOpenBackups(db)
  let free = backupsMax - scheduled - Math.min(onRequest, backupsMax - 1)
  if (free <= 0) return
  for (const due of await findDueBackups(db, BATCH)) {
    if (!isInWindow(policyOf(due, platformPolicy), due.now)) {
      await transact(db, (tx) => planServer(tx, platformPolicy, due.serverId))
      continue
    }
    if (await open(db, due)) free -= 1
    if (free === 0) return
  }
}

/** False when somebody else was faster. */
async function open(db: Db, { tenantId, addonId, serverId, type }: DueBackup): Promise<boolean> {
  const id = newId('backup')
  try {
    return await transact(db, async (tx) => {
      if (!(await takeOffSchedule(tx, serverId))) return false
      const owner = { tenant_id: tenantId, addon_id: addonId, server_id: serverId }
      await insertBackup(tx, { id, ...owner, type, status: 'queued', scheduled: true })
      const memo = { backupId: id, type }
      await openOperation(tx, { tenantId, kind: 'backup.take', serverId, addonId, memo })
      await recordEvent(tx, { tenantId, type: 'backup.queued', payload: { backupId: id, addonId, type } })
      return true
    })
  } catch (error) {
    if (error instanceof Problem && error.code === 'operation-in-progress') return false
    throw error
  }
}
