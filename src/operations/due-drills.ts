import type { Db } from '../db/client.ts'
import { cancelDrillsBeforeDeletion, findDueDrill, planDrills } from '../db/drills.ts'
import { transact } from '../db/transact.ts'
import type { CompleteBackupPolicy } from '../domain/backup-policy.ts'
import { Problem } from '../domain/problem.ts'
import type { KeyRing } from '../secrets/key-ring.ts'
import { noteScheduled, openDrill } from './open-drill.ts'

interface DrillSchedule {
  db: Db
  keyRing: KeyRing
  platformPolicy: CompleteBackupPolicy
}

/** Opens the drill that is due, one at a time on all of the host: a restore takes its disk and its processors. */
export async function openDueDrill({ db, keyRing, platformPolicy }: DrillSchedule): Promise<void> {
  await cancelDrillsBeforeDeletion(db)
  await planDrills(db, platformPolicy)
  if ((await findDueDrill(db)) === null) return
  try {
    await transact(db, async (tx) => {
      // Two sweepers would each open one.
      await tx
        .selectNoFrom(({ fn, val }) => fn('pg_advisory_xact_lock', [val(DRILL_LOCK)]).as('locked'))
        .execute()
      const due = await findDueDrill(tx)
      if (due === null) return
      const source = await tx
        .selectFrom('addon')
        .selectAll()
        .where('id', '=', due.addonId)
        .where('status', '=', 'available')
        .forUpdate()
        .executeTakeFirst()
      if (source === undefined) return
      await openDrill(tx, keyRing, source, { scheduled: true })
      await noteScheduled(tx, source.server_id)
    })
  } catch (error) {
    // Somebody has asked for one meanwhile.
    if (!(error instanceof Problem && error.code === 'drill-in-progress')) throw error
  }
}

const DRILL_LOCK = 8_736_710
