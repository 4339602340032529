import { sql } from 'kysely'
import type { Executor } from '../db/client.ts'
import type { Moment } from '../domain/moment.ts'
import { recordEvent } from '../notify/outbox.ts'
import type { ServerRef } from './server-work.ts'

/** What PostgreSQL's archiver says of itself. */
export interface ArchiverReport {
  lastArchivedSegment: string | null
  lastArchivedAt: Moment | null
  lastFailedAt: Moment | null
}

/** An archiver that has only failed for this long is stalled. */
const STALLED_SECONDS = 60

/** Notes what a server's archive holds, and whether archiving goes on. */
export async function observeArchive(
  db: Executor,
  { tenantId, serverId, addonId }: ServerRef & { addonId: string },
  report: ArchiverReport,
  lastCommit: { at: Moment } | null,
): Promise<void> {
  await sql`
    update archive set last_archived_segment = ${report.lastArchivedSegment}, archived_at = ${report.lastArchivedAt},
           last_commit_at = greatest(last_commit_at, ${lastCommit?.at ?? null}), observed_at = now()
     where server_id = ${serverId}`.execute(db)
  const { rows } = await sql<{ protection: string }>`
    update addon set updated_at = now(), protection = case when stalled then 'stalled' else 'protected' end
      from (select ${report.lastFailedAt}::timestamptz > coalesce(${report.lastArchivedAt}::timestamptz, '-infinity')
                   and coalesce(${report.lastArchivedAt}::timestamptz, '-infinity') < now() - make_interval(secs => ${STALLED_SECONDS})
                   as stalled) as archiver
     where id = ${addonId} and server_id = ${serverId}
       and protection = case when stalled then 'protected' else 'stalled' end
    returning protection`.execute(db)
  if (rows[0] !== undefined)
    await recordEvent(db, { tenantId, type: `addon.${rows[0].protection}`, payload: { addonId } })
}
