import { sql } from 'kysely'
import type { Executor, Tx } from '../db/client.ts'
import type { RestoreRow } from '../db/schema.ts'
import type { AddonStatus } from '../domain/addon.ts'
import type { Failure } from '../domain/problem.ts'
import type { PhaseSeconds, Reached, RestorePhase, RestoreProgress, SecuredRole } from '../domain/restore.ts'
import { recordEvent } from '../notify/outbox.ts'
import { tellProgress } from './restore/tell-progress.ts'

// What workflows write about add-ons, backups and restores, each with the event that tells of it.

export async function setAddonStatus(
  tx: Tx,
  { tenantId, addonId }: { tenantId: string; addonId: string },
  status: Extract<AddonStatus, 'failed' | 'deleted'>,
  failure: Failure | null = null,
  facts: { archiveComplete?: boolean } = {},
): Promise<void> {
  await sql`
    update addon set status = ${status}, failure = ${failure === null ? null : JSON.stringify(failure)}::jsonb, updated_at = now(),
           deleted_at = case when ${status} = 'deleted' then coalesce(deleted_at, now()) end
     where tenant_id = ${tenantId} and id = ${addonId}`.execute(tx)
  await recordEvent(tx, {
    tenantId,
    type: `addon.${status}`,
    payload: { addonId, ...facts, ...(failure && { failure }) },
  })
}

/** As for `setAddonAvailable`: the deletion that waited for this failure is opened next. */
export async function setAddonFailed(
  tx: Tx,
  { tenantId, addonId }: { tenantId: string; addonId: string },
  failure: Failure | null,
): Promise<void> {
  const { rows } = await sql`
    select from addon where tenant_id = ${tenantId} and id = ${addonId} and status <> 'deleting' for update`.execute(
    tx,
  )
  if (rows.length === 1) await setAddonStatus(tx, { tenantId, addonId }, 'failed', failure)
}

/** An add-on that is being deleted stays so, whatever work on it still ends. */
export async function setAddonAvailable(
  tx: Tx,
  { tenantId, addonId }: { tenantId: string; addonId: string },
): Promise<void> {
  const { numAffectedRows } = await sql`
    update addon set status = 'available', updated_at = now()
     where tenant_id = ${tenantId} and id = ${addonId} and status in ('provisioning', 'restoring')`.execute(
    tx,
  )
  if (numAffectedRows === 1n)
    await recordEvent(tx, { tenantId, type: 'addon.available', payload: { addonId } })
}

export async function getRestore(db: Executor, restoreId: string): Promise<RestoreRow> {
  return db.selectFrom('restore').selectAll().where('id', '=', restoreId).executeTakeFirstOrThrow()
}

export interface RestoreUpdate {
  phase?: RestorePhase
  progress?: RestoreProgress
  phaseSeconds?: PhaseSeconds
  reached?: Reached
  securedRoles?: SecuredRole[]
  backupId?: string
}

/** Writes how far a restore is. A phase that begins is an event, and so is progress, now and then. */
export async function saveRestore(tx: Tx, restoreId: string, update: RestoreUpdate): Promise<void> {
  const { phase, progress, phaseSeconds, reached, securedRoles, backupId } = update
  const row = await tx
    .updateTable('restore')
    .set({
      status: 'running',
      ...(phase && { phase }),
      ...(progress && { progress: JSON.stringify(progress) }),
      ...(phaseSeconds && { phase_seconds: JSON.stringify(phaseSeconds) }),
      ...(reached && { reached: JSON.stringify(reached) }),
      ...(backupId && { backup_id: backupId }),
      ...(securedRoles && { secured_roles: JSON.stringify(securedRoles) }),
    })
    .set({ started_at: sql`coalesce(started_at, clock_timestamp())` })
    .where('id', '=', restoreId)
    .where('finished_at', 'is', null)
    .returning(['tenant_id', 'addon_id', 'drill_id'])
    .executeTakeFirst()
  // A drill has events of its own.
  if (row === undefined || row.drill_id !== null) return
  const subject = { tenantId: row.tenant_id, restoreId, addonId: row.addon_id }
  if (phase !== undefined) {
    const payload = { restoreId, addonId: row.addon_id, phase }
    await recordEvent(tx, { tenantId: row.tenant_id, type: 'restore.phase', payload })
  }
  if (progress !== undefined) await tellProgress(tx, subject)
}

export async function finishRestore(
  tx: Tx,
  restoreId: string,
  outcome: { status: 'succeeded' | 'failed' | 'cancelled'; failure: Failure | null },
): Promise<void> {
  const { status, failure } = outcome
  const row = await tx
    .updateTable('restore')
    .set({
      status,
      failure: failure === null ? null : JSON.stringify(failure),
      finished_at: sql`clock_timestamp()`,
      ...(status === 'succeeded' && { phase: 'done' as const }),
    })
    .where('id', '=', restoreId)
    .where('finished_at', 'is', null)
    .returning(['tenant_id', 'addon_id', 'child_addon_id', 'reached', 'drill_id'])
    .executeTakeFirst()
  // A drill has events of its own.
  if (row === undefined || row.drill_id !== null) return
  const payload = {
    restoreId,
    addonId: row.addon_id,
    childAddonId: row.child_addon_id,
    reached: row.reached,
    failure,
  }
  await recordEvent(tx, { tenantId: row.tenant_id, type: `restore.${status}`, payload })
}
