import { sql } from 'kysely'
import type { Executor } from '../db/client.ts'
import type { Moment } from '../domain/moment.ts'
import { secondsBetween } from '../domain/moment.ts'
import { recordEvent } from '../notify/outbox.ts'
import type { ServerRef } from './server-work.ts'

/** What PostgreSQL's archiver says of itself. */
export interface ArchiverReport {
  lastArchivedSegment: string | null
  lastArchivedAt: Moment | null
  lastFailedAt: Moment | null
}

type WatchedServer = ServerRef & { addonId: string }

/** An archiver that has only failed for this long is stalled. */
const STALLED_SECONDS = 60

/** Notes what a server's archive holds, and whether archiving goes on. After a crash PostgreSQL has forgotten; we have not. */
export async function observeArchive(
  db: Executor,
  server: WatchedServer,
  report: ArchiverReport,
  lastCommit: { at: Moment } | null,
  now: Moment,
): Promise<void> {
  await sql`
    update archive set last_archived_segment = greatest(last_archived_segment, ${report.lastArchivedSegment}),
           archived_at = greatest(archived_at, ${report.lastArchivedAt}),
           last_commit_at = greatest(last_commit_at, ${lastCommit?.at ?? null}), observed_at = now()
     where server_id = ${server.serverId}`.execute(db)
  await setStalled(db, server, isStalled(report, now))
}

function isStalled({ lastArchivedAt, lastFailedAt }: ArchiverReport, now: Moment): boolean {
  if (lastFailedAt === null || (lastArchivedAt !== null && lastArchivedAt > lastFailedAt)) return false
  return lastArchivedAt === null || secondsBetween(lastArchivedAt, now) > STALLED_SECONDS
}

/**
 * A protected add-on is stalled while nothing more of it reaches its archive, or WAL is missing there that no backup has
 * made up for, and protected again by itself.
 */
export async function setStalled(db: Executor, server: WatchedServer, stalled: boolean): Promise<void> {
  const [from, to] = stalled ? ['protected', 'stalled'] : ['stalled', 'protected']
  const { numAffectedRows } = await sql`
    update addon set protection = ${to}, updated_at = now()
     where id = ${server.addonId} and server_id = ${server.serverId} and protection = ${from}
       and (${stalled} or not exists (select from archive where archive.server_id = addon.server_id
                                         and gaps @? '$[*] ? (@.to == null)'))`.execute(db)
  if (numAffectedRows === 1n) {
    const payload = { addonId: server.addonId }
    await recordEvent(db, { tenantId: server.tenantId, type: `addon.${to}`, payload })
  }
}
