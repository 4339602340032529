import { sql } from 'kysely'
import type { Tx } from '../../db/client.ts'
import { type DrillCheck, type DrillStatus, rpoSeconds } from '../../domain/drill.ts'
import type { Moment } from '../../domain/moment.ts'
import type { Failure } from '../../domain/problem.ts'
import { recordEvent } from '../../notify/outbox.ts'
import { finishRestore } from '../progress.ts'

export async function beginDrill(tx: Tx, drillId: string): Promise<void> {
  const row = await tx
    .updateTable('drill')
    .set({ status: 'running', started_at: sql`clock_timestamp()` })
    .where('id', '=', drillId)
    .where('finished_at', 'is', null)
    .where('started_at', 'is', null)
    .returning(['tenant_id', 'addon_id'])
    .executeTakeFirst()
  if (row === undefined) return
  const payload = { drillId, addonId: row.addon_id }
  await recordEvent(tx, { tenantId: row.tenant_id, type: 'drill.running', payload })
}

export async function saveChecks(tx: Tx, drillId: string, checks: readonly DrillCheck[]): Promise<void> {
  await tx
    .updateTable('drill')
    .set({ checks: JSON.stringify(checks) })
    .where('id', '=', drillId)
    .where('finished_at', 'is', null)
    .execute()
}

interface Restored {
  restoreId: string
  /** Of the backup that was restored from. */
  label: string
  rtoSeconds: number | null
  sourceCommittedAt: Moment | null
}

/** What the restore of a drill came to: how long it took, what was reached, and what would have been lost. */
export async function recordRestored(tx: Tx, drillId: string, restored: Restored): Promise<void> {
  const found = await tx
    .selectFrom('restore')
    .leftJoin('backup', (join) =>
      join.onRef('backup.server_id', '=', 'restore.source_server_id').on('backup.label', '=', restored.label),
    )
    .select(['restore.reached', 'backup.id as backupId', 'backup.backup_stopped_at as stoppedAt'])
    .where('restore.id', '=', restored.restoreId)
    .executeTakeFirstOrThrow()
  const { reached, backupId, stoppedAt } = found
  await tx
    .updateTable('drill')
    .set({
      backup_id: backupId,
      rto_seconds: restored.rtoSeconds,
      rpo_seconds: rpoSeconds(restored.sourceCommittedAt, reached?.time ?? null, stoppedAt),
      reached: reached === null ? null : JSON.stringify(reached),
    })
    .where('id', '=', drillId)
    .execute()
}

interface DrillEnd {
  drillId: string
  restoreId: string
  childAddonId: string
  failure: Failure | null
}

/** Ends a drill, its restore if that has not ended, and its child, of which nothing is left by now. */
export async function endDrill(tx: Tx, end: DrillEnd): Promise<void> {
  const { drillId, restoreId, childAddonId, failure } = end
  const status = statusOf(failure)
  await finishRestore(tx, restoreId, { status, failure })
  await sql`
    update addon set status = 'deleted', updated_at = now(), deleted_at = coalesce(deleted_at, now())
     where id = ${childAddonId} and purpose = 'drill'`.execute(tx)
  const row = await tx
    .updateTable('drill')
    .set({
      status,
      failure: failure === null ? null : JSON.stringify(failure),
      finished_at: sql`clock_timestamp()`,
    })
    .where('id', '=', drillId)
    .where('finished_at', 'is', null)
    .returning(['tenant_id', 'addon_id', 'rto_seconds', 'rpo_seconds', 'checks'])
    .executeTakeFirst()
  if (row === undefined) return
  const payload = {
    drillId,
    addonId: row.addon_id,
    rtoSeconds: row.rto_seconds,
    rpoSeconds: row.rpo_seconds,
    checks: row.checks.map(({ name, passed }) => ({ name, passed })),
    failure,
  }
  await recordEvent(tx, { tenantId: row.tenant_id, type: `drill.${status}`, payload })
}

function statusOf(failure: Failure | null): Extract<DrillStatus, 'succeeded' | 'failed' | 'cancelled'> {
  if (failure === null) return 'succeeded'
  return failure.code === 'cancelled' ? 'cancelled' : 'failed'
}
