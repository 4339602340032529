import { sql } from 'kysely'
import type { BackupInfo } from '../backup/engine.ts'
import type { Db, Tx } from '../db/client.ts'
import type { BaseBackup } from '../domain/choose-backup.ts'
import type { Failure } from '../domain/problem.ts'
import { recordEvent } from '../notify/outbox.ts'

export async function findRecordedLabels(db: Db, serverId: string): Promise<string[]> {
  const rows = await db
    .selectFrom('backup')
    .select('label')
    .where('server_id', '=', serverId)
    .where('label', 'is not', null)
    .execute()
  return rows.flatMap(({ label }) => label ?? [])
}

/** Base backups that a restore can start from, oldest first. */
export async function findCompleteBackups(
  db: Db,
  serverId: string,
): Promise<(BaseBackup & { startLsn: string; sizeBytes: number | null })[]> {
  const rows = await db
    .selectFrom('backup')
    .select(['label', 'timeline', 'start_lsn', 'backup_stopped_at', 'size_bytes'])
    .where('server_id', '=', serverId)
    .where('status', '=', 'succeeded')
    .where('damaged_at', 'is', null)
    .where('expired_at', 'is', null)
    .orderBy('backup_stopped_at')
    .execute()
  return rows.flatMap(
    ({ label, timeline, start_lsn: startLsn, backup_stopped_at: stoppedAt, size_bytes: sizeBytes }) =>
      label === null || timeline === null || startLsn === null || stoppedAt === null
        ? []
        : [{ label, timeline, startLsn, stoppedAt, sizeBytes }],
  )
}

export async function setBackupStatus(
  tx: Tx,
  backupId: string,
  status: 'running' | 'failed' | 'cancelled',
  failure: Failure | null,
): Promise<void> {
  const row = await tx
    .updateTable('backup')
    .set({
      status,
      failure: failure === null ? null : JSON.stringify(failure),
      finished_at: status === 'running' ? null : sql`clock_timestamp()`,
    })
    .where('id', '=', backupId)
    .returning(['tenant_id', 'addon_id'])
    .executeTakeFirstOrThrow()
  const payload = { backupId, addonId: row.addon_id, ...(failure && { failure }) }
  await recordEvent(tx, { tenantId: row.tenant_id, type: `backup.${status}`, payload })
}

/** A complete backup: with the first one its add-on is protected. */
export async function recordBackup(tx: Tx, backupId: string, backup: BackupInfo): Promise<void> {
  const row = await tx
    .updateTable('backup')
    .set({
      status: 'succeeded',
      label: backup.label,
      type: backup.type,
      timeline: backup.timeline,
      start_lsn: backup.startLsn,
      stop_lsn: backup.stopLsn,
      size_bytes: backup.sizeBytes,
      repository_size_bytes: backup.repositorySizeBytes,
      backup_started_at: backup.startedAt,
      backup_stopped_at: backup.stoppedAt,
      finished_at: sql`clock_timestamp()`,
    })
    .where('id', '=', backupId)
    .returning(['tenant_id', 'addon_id'])
    .executeTakeFirstOrThrow()
  const subject = { tenantId: row.tenant_id, payload: { backupId, addonId: row.addon_id } }
  await recordEvent(tx, { ...subject, type: 'backup.succeeded' })
  const { numAffectedRows } = await sql`
    update addon set protection = 'protected', updated_at = now()
     where id = ${row.addon_id} and protection = 'pending'`.execute(tx)
  if (numAffectedRows === 1n) await recordEvent(tx, { ...subject, type: 'addon.protected' })
}
