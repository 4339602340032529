import { sql } from 'kysely'
import type { WalGap } from '../domain/recovery-window.ts'
import type { Executor, Tx } from './client.ts'

export interface SurveyedArchive {
  serverId: string
  tenantId: string
  addonId: string
  /** Its add-on serves, so that a backup can be taken. */
  isLive: boolean
}

/** Whether somebody is removing the archive at hand, or is about to. */
const isBeingRemoved = sql<boolean>`(
  addon.status = 'deleting'
  or exists (select from operation where operation.server_id = archive.server_id
                and operation.finished_at is null and operation.kind in ('addon.delete', 'archive.purge')))`

/**
 * Archives with WAL in them whose last survey is that long ago, of deleted add-ons too; those first whose last try is
 * longest ago, so that some that always fail do not keep the others from their turn.
 */
export async function findArchivesToSurvey(
  db: Executor,
  everySeconds: number,
  limit: number,
): Promise<SurveyedArchive[]> {
  const { rows } = await sql<SurveyedArchive>`
    select archive.server_id as "serverId", archive.tenant_id as "tenantId", server.addon_id as "addonId",
           addon.status = 'available' as "isLive"
      from archive
      join server on server.id = archive.server_id
      join addon on addon.id = server.addon_id
     where archive.archiving_since is not null and archive.removed_at is null and not ${isBeingRemoved}
       and (archive.surveyed_at is null or archive.surveyed_at <= now() - make_interval(secs => ${everySeconds}))
     order by archive.survey_tried_at nulls first
     limit ${limit}`.execute(db)
  return rows
}

/** A survey of the archive begins. */
export async function noteSurveyTried(db: Executor, serverId: string): Promise<void> {
  await sql`update archive set survey_tried_at = now() where server_id = ${serverId}`.execute(db)
}

/** The gaps that were known of an archive; null when it is gone or somebody is removing it. Locks its row. */
export async function lockSurveyed(
  tx: Tx,
  { serverId }: SurveyedArchive,
): Promise<{ gaps: WalGap[] } | null> {
  const { rows } = await sql<{ gaps: WalGap[] }>`
    select archive.gaps from archive
      join server on server.id = archive.server_id
      join addon on addon.id = server.addon_id
     where archive.server_id = ${serverId} and archive.removed_at is null and not ${isBeingRemoved}
       for update of archive`.execute(tx)
  return rows[0] ?? null
}

/** The schedule's next backup is a full one, and due now. */
export async function askForFullBackup(tx: Tx, serverId: string): Promise<void> {
  await sql`
    update archive set next_backup_at = now(), next_backup_type = 'full' where server_id = ${serverId}`.execute(
    tx,
  )
}
