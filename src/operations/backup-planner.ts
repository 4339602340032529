import type { Db, Tx } from '../db/client.ts'
import {
  lockArchive,
  lockArchivesToPlan,
  type PlannedBackup,
  readSchedulingFacts,
  type SchedulingFacts,
  savePlans,
} from '../db/schedule.ts'
import { type CompleteBackupPolicy, effectivePolicy } from '../domain/backup-policy.ts'
import { nextBackup, spreadOf } from '../domain/backup-schedule.ts'
import { addSeconds, secondsBetween } from '../domain/moment.ts'

const BATCH = 500
const GAP_RETRY_SECONDS = 300

/** Works out when backups are due where something has changed that they follow from. */
export async function planStale(db: Db, platformPolicy: CompleteBackupPolicy): Promise<void> {
  for (;;) {
    const planned = await db.transaction().execute(async (tx) => {
      const serverIds = await lockArchivesToPlan(tx, BATCH)
      await planLocked(tx, platformPolicy, serverIds)
      return serverIds.length
    })
    if (planned < BATCH) return
  }
}

/** Works out a server's next backup, as part of the commit that changes what it follows from. */
export async function planServer(
  tx: Tx,
  platformPolicy: CompleteBackupPolicy,
  serverId: string,
): Promise<void> {
  await lockArchive(tx, serverId)
  await planLocked(tx, platformPolicy, [serverId])
}

async function planLocked(tx: Tx, platformPolicy: CompleteBackupPolicy, serverIds: readonly string[]) {
  if (serverIds.length === 0) return
  const facts = await readSchedulingFacts(tx, serverIds)
  await savePlans(
    tx,
    facts.map((each) => planOf(each, platformPolicy)),
  )
}

function planOf(facts: SchedulingFacts, platformPolicy: CompleteBackupPolicy): PlannedBackup {
  const { serverId, backups, now } = facts
  const policy = policyOf(facts, platformPolicy)
  const next = nextBackup(policy, backups, spreadOf(serverId), now)
  if (!facts.hasOpenGap) return { serverId, ...next }
  // Only a full backup lets restores go on behind a gap, whatever the schedule says.
  const soon = addSeconds(now, GAP_RETRY_SECONDS)
  return { serverId, at: secondsBetween(next.at, soon) > 0 ? next.at : soon, type: 'full' }
}

export const policyOf = (
  { tenantPolicy, addonPolicy }: SchedulingFacts,
  platformPolicy: CompleteBackupPolicy,
): CompleteBackupPolicy => effectivePolicy(platformPolicy, tenantPolicy, addonPolicy)
