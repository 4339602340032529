import type { Executor, Tx } from '../db/client.ts'
import { reviseGaps, type WalBase } from '../domain/wal-gaps.ts'
import { segmentOfLsn } from '../domain/wal-segment.ts'
import { findCompleteBackups } from './backup-progress.ts'

/** What restores from a server's archive can begin with. */
export async function basesOf(db: Executor, serverId: string): Promise<WalBase[]> {
  return (await findCompleteBackups(db, serverId)).map((backup) => ({
    ...backup,
    startSegment: segmentOfLsn(backup.startLsn, backup.timeline),
  }))
}

/** A backup that is complete makes up for the gaps before it, without waiting for the next survey. */
export async function reviseKnownGaps(tx: Tx, serverId: string): Promise<void> {
  const archive = tx.selectFrom('archive').select('gaps').where('server_id', '=', serverId).forUpdate()
  const { gaps: known } = await archive.executeTakeFirstOrThrow()
  if (known.length === 0) return
  const gaps = reviseGaps(known, await basesOf(tx, serverId))
  const revised = tx.updateTable('archive').set({ gaps: JSON.stringify(gaps) })
  await revised.where('server_id', '=', serverId).execute()
}
