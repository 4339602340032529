import type { RestorePointRow } from '../db/schema.ts'

/** A restore point as clients see it. */
export function restorePointView(row: RestorePointRow) {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    addonId: row.addon_id,
    name: row.name,
    status: row.status,
    lsn: row.lsn,
    timeline: row.timeline,
    madeAt: row.made_at,
    failure: row.failure,
    createdAt: row.created_at,
    finishedAt: row.finished_at,
  }
}
