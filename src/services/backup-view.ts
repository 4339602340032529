import type { BackupRow } from '../db/schema.ts'

/** A base backup as clients see it. */
export function backupView(row: BackupRow) {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    addonId: row.addon_id,
    type: row.type,
    status: row.status,
    timeline: row.timeline,
    startLsn: row.start_lsn,
    stopLsn: row.stop_lsn,
    sizeBytes: row.size_bytes,
    repositorySizeBytes: row.repository_size_bytes,
    startedAt: row.backup_started_at,
    stoppedAt: row.backup_stopped_at,
    damagedAt: row.damaged_at,
    failure: row.failure,
    createdAt: row.created_at,
    finishedAt: row.finished_at,
  }
}
