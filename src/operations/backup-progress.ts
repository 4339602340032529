import { sql } from 'kysely'
import type { BackupInfo } from '../backup/engine.ts'
import { canBeRestoredFrom } from '../db/backups.ts'
import type { Db, Executor, Tx } from '../db/client.ts'
import { noteAverage } from '../db/measured.ts'
import type { BaseBackup } from '../domain/choose-backup.ts'
import { secondsBetween } from '../domain/moment.ts'
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
  db: Executor,
  serverId: string,
): Promise<(BaseBackup & { id: string; startLsn: string; sizeBytes: number | null })[]> {
  const rows = await db
    .selectFrom('backup')
    .select(['id', 'label', 'timeline', 'start_lsn', 'stop_lsn', 'backup_stopped_at', 'size_bytes'])
    .where('server_id', '=', serverId)
    .where(canBeRestoredFrom)
    .orderBy('backup_stopped_at')
    .orderBy('id')
    .execute()
  return rows.flatMap(
    ({
      id,
      label,
      timeline,
      start_lsn: startLsn,
      stop_lsn: stopLsn,
      backup_stopped_at: stoppedAt,
      size_bytes,
    }) =>
      label === null || timeline === null || startLsn === null || stopLsn === null || stoppedAt === null
        ? []
        : [{ id, label, timeline, startLsn, stopLsn, stoppedAt, sizeBytes: size_bytes }],
  )
}

export async function setBackupStatus(
  tx: Tx,
  backupId: string,
  status: 'failed' | 'cancelled',
  failure: Failure | null,
): Promise<void> {
  const row = await tx
    .updateTable('backup')
    .set({
      status,
      failure: failure === null ? null : JSON.stringify(failure),
      finished_at: sql`clock_timestamp()`,
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
      reference_labels: JSON.stringify(backup.referenceLabels),
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

/** Of a full backup: what else it copies cannot be told from its size. Its times have no fractions. */
export async function noteBackupRate(tx: Tx, backup: BackupInfo): Promise<void> {
  if (backup.type !== 'full') return
  const seconds = Math.max(secondsBetween(backup.startedAt, backup.stoppedAt), 1)
  await noteAverage(tx, 'backup_bytes_per_second', backup.sizeBytes / seconds, seconds)
}
