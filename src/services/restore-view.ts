import type { RestoreRow } from '../db/schema.ts'
import type { RestoreProgress } from '../domain/restore.ts'

const NOTHING_DONE: RestoreProgress = {
  percent: 0,
  bytesDone: 0,
  bytesTotal: null,
  walDone: 0,
  walTotal: null,
  replayedTo: null,
  etaSeconds: null,
}

/** A restore as clients see it. */
export function restoreView(row: RestoreRow) {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    addonId: row.addon_id,
    childAddonId: row.child_addon_id,
    target: row.target,
    exclusive: row.exclusive,
    backupId: row.backup_id,
    status: row.status,
    phase: row.phase,
    progress: { ...NOTHING_DONE, ...row.progress },
    reached: row.reached,
    securedRoles: row.secured_roles,
    phaseSeconds: row.phase_seconds,
    failure: row.failure,
    createdAt: row.created_at,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
  }
}
