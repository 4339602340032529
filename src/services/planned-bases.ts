import type { BackupRow } from '../db/schema.ts'
import type { PlannedBase } from '../domain/restore-plan.ts'
import { segmentOfLsn } from '../domain/wal-segment.ts'

/** The backups that a restore can begin with. */
export function plannedBases(backups: readonly BackupRow[]): PlannedBase[] {
  return backups.flatMap((row) => {
    const {
      id,
      type,
      label,
      timeline,
      start_lsn: startLsn,
      stop_lsn: stopLsn,
      backup_stopped_at: stoppedAt,
    } = row
    if (label === null || timeline === null || startLsn === null || stopLsn === null || stoppedAt === null)
      return []
    if (row.damaged_at !== null || row.expired_at !== null) return []
    const startSegment = segmentOfLsn(startLsn, timeline)
    const { size_bytes: sizeBytes } = row
    return [{ id, type, label, timeline, startSegment, stoppedAt, stopLsn, sizeBytes }]
  })
}
