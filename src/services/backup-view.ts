import type { BackupInArchive } from '../db/backups.ts'
import { secondsBetween } from '../domain/moment.ts'
import { walBytesSince } from '../domain/wal-since.ts'

/** A base backup as clients see it. */
export function backupView(row: BackupInArchive) {
  const { backup_started_at: startedAt, backup_stopped_at: stoppedAt } = row
  return {
    id: row.id,
    tenantId: row.tenant_id,
    addonId: row.addon_id,
    label: row.label,
    type: row.type,
    status: row.status,
    scheduled: row.scheduled,
    timeline: row.timeline,
    startLsn: row.start_lsn,
    stopLsn: row.stop_lsn,
    sizeBytes: row.size_bytes,
    repositorySizeBytes: row.repository_size_bytes,
    walSinceBytes: walBytesSince(row.stop_lsn, row.timeline, row.last_archived_segment),
    startedAt,
    stoppedAt,
    durationSeconds: startedAt === null || stoppedAt === null ? null : secondsBetween(startedAt, stoppedAt),
    expiredAt: row.expired_at,
    damagedAt: row.damaged_at,
    failure: row.failure,
    createdAt: row.created_at,
    finishedAt: row.finished_at,
  }
}
