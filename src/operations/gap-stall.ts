import { sql } from 'kysely'
import type { Executor, Tx } from '../db/client.ts'
import type { Stall } from '../domain/protection.ts'
import type { WalGap } from '../domain/recovery-window.ts'
import { reviseGaps, type WalBase } from '../domain/wal-gaps.ts'
import { segmentOfLsn } from '../domain/wal-segment.ts'
import { setStalled } from './archive-progress.ts'
import { findCompleteBackups } from './backup-progress.ts'

interface WatchedServer {
  tenantId: string
  serverId: string
  addonId: string
}

/** Says why an add-on cannot be brought back to every moment, as far as gaps of its archive are to blame: the first open one, if any. */
export async function setStall(db: Executor, server: WatchedServer, gap: WalGap | null): Promise<void> {
  if (gap === null) {
    await sql`update addon set stalled = null
               where id = ${server.addonId} and stalled->>'code' = 'wal-gap'`.execute(db)
    return
  }
  const stall: Stall = {
    code: 'wal-gap',
    detail: `${gap.missingSegments} WAL segments are missing from the archive after ${gap.afterSegment}.`,
    since: gap.from,
  }
  await sql`update addon set stalled = ${JSON.stringify(stall)}::jsonb
             where id = ${server.addonId} and stalled is null`.execute(db)
  await setStalled(db, server, true)
}

/** What restores from a server's archive can begin with. */
export async function basesOf(db: Executor, serverId: string): Promise<WalBase[]> {
  return (await findCompleteBackups(db, serverId)).map((backup) => ({
    ...backup,
    startSegment: segmentOfLsn(backup.startLsn, backup.timeline),
  }))
}

/** A backup that is complete makes up for the gaps before it, without waiting for the next survey. */
export async function reviseKnownGaps(tx: Tx, server: WatchedServer): Promise<void> {
  const { serverId } = server
  const archive = tx.selectFrom('archive').select('gaps').where('server_id', '=', serverId).forUpdate()
  const { gaps: known } = await archive.executeTakeFirstOrThrow()
  if (known.length === 0) return
  const gaps = reviseGaps(known, await basesOf(tx, serverId))
  const revised = tx.updateTable('archive').set({ gaps: JSON.stringify(gaps) })
  await revised.where('server_id', '=', serverId).execute()
  await setStall(tx, server, gaps.find(({ to }) => to === null) ?? null)
}
