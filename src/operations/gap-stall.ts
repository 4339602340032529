import { sql } from 'kysely'
import type { Executor } from '../db/client.ts'
import type { Stall } from '../domain/protection.ts'
import type { WalGap } from '../domain/recovery-window.ts'
import { setStalled } from './archive-progress.ts'

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
