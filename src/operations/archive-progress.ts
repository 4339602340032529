import { sql } from 'kysely'
import type { Executor, Tx } from '../db/client.ts'
import type { Moment } from '../domain/moment.ts'
import type { Stall, Stalls } from '../domain/protection.ts'
import { type StallReport, stallsAfter, worstStall } from '../domain/stalls.ts'
import { recordEvent } from '../notify/outbox.ts'
import type { ServerRef } from './server-work.ts'

type WatchedServer = ServerRef & { addonId: string }

export interface ArchiveProgress {
  /** The last one that is archived; null when nothing new is known, and so for what follows. */
  segment: string | null
  archivedAt: Moment | null
  lastCommit: { at: Moment } | null
  /** Age of the oldest WAL that waits to be archived; 0 when none does. */
  lagSeconds: number
}

/** Notes what a server's archive holds. After a crash PostgreSQL has forgotten; we have not. */
export async function noteArchived(
  db: Executor,
  serverId: string,
  { segment, archivedAt, lastCommit, lagSeconds }: ArchiveProgress,
): Promise<void> {
  await sql`
    update archive set last_archived_segment = greatest(last_archived_segment, ${segment}),
           archived_at = greatest(archived_at, ${archivedAt}),
           last_commit_at = greatest(last_commit_at, ${lastCommit?.at ?? null}),
           lag_seconds = ${lagSeconds}, observed_at = now()
     where server_id = ${serverId}`.execute(db)
}

/**
 * Takes one observer's report. A protected add-on is stalled while anything stalls it, shows the worst of it, and is
 * protected again by itself once nothing does. Nothing is said of one that does not serve, or whose server is to go:
 * what is seen of it then is its removal.
 */
export async function reportStalls(
  tx: Tx,
  server: WatchedServer,
  report: StallReport,
  now: Moment,
): Promise<void> {
  const { addonId, serverId } = server
  // Whoever reports meanwhile waits here.
  const addon = await tx
    .selectFrom('addon')
    .select(['protection', 'stalled'])
    .where('id', '=', addonId)
    .where('server_id', '=', serverId)
    .where('status', '=', 'available')
    .forNoKeyUpdate()
    .executeTakeFirst()
  if (addon === undefined || !(await isToRun(tx, serverId))) return
  const stalls = stallsAfter(await readStalls(tx, serverId), report, now)
  await tx
    .updateTable('archive')
    .set({ stalls: JSON.stringify(stalls) })
    .where('server_id', '=', serverId)
    .execute()
  if (addon.protection !== 'pending') await show(tx, server, addon.stalled, worstStall(stalls))
}

async function isToRun(tx: Tx, serverId: string): Promise<boolean> {
  const server = tx.selectFrom('server').select('desired_state').where('id', '=', serverId)
  return (await server.executeTakeFirstOrThrow()).desired_state === 'running'
}

/** Everything that stalls the server's add-on at present. */
export async function readStalls(db: Executor, serverId: string): Promise<Stalls> {
  const archive = db.selectFrom('archive').select('stalls').where('server_id', '=', serverId)
  return (await archive.executeTakeFirstOrThrow()).stalls
}

async function show(
  tx: Tx,
  { tenantId, addonId }: WatchedServer,
  before: Stall | null,
  worst: Stall | null,
): Promise<void> {
  const protection = worst === null ? 'protected' : 'stalled'
  const { numUpdatedRows } = await tx
    .updateTable('addon')
    .set({ protection, stalled: worst && JSON.stringify(worst), updated_at: sql`now()` })
    .where('id', '=', addonId)
    .where((row) =>
      row.or([
        row('protection', '<>', protection),
        row('stalled', 'is distinct from', worst && sql<never>`${JSON.stringify(worst)}::jsonb`),
      ]),
    )
    .executeTakeFirstOrThrow()
  if (numUpdatedRows === 0n || before?.code === worst?.code) return
  await recordEvent(tx, { tenantId, type: `addon.${protection}`, payload: { addonId, ...worst } })
}
