import type { DrillRow } from '../db/schema.ts'

/** A drill as clients see it. What it restored is nobody's to use, so it is not named. */
export function drillView(row: DrillRow) {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    addonId: row.addon_id,
    status: row.status,
    scheduled: row.scheduled,
    backupId: row.backup_id,
    rtoSeconds: row.rto_seconds,
    rpoSeconds: row.rpo_seconds,
    checks: row.checks,
    reached: row.reached,
    failure: row.failure,
    createdAt: row.created_at,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
  }
}
