import { sql } from 'kysely'
import type { OperationKind } from '../domain/addon.ts'
import type { Executor, Tx } from './client.ts'
import { lookup } from './lookup.ts'
import type { OperationRow, OperationStepRow } from './schema.ts'
import { inSlice, rowsOf, type Slice } from './slice.ts'
import { inScope, type TenantScope } from './tenant-scope.ts'

export const findOperation = lookup((ex, scope, id) =>
  ex.selectFrom('operation').selectAll().where(inScope(scope)).where('id', '=', id),
)

/** Only for an operation that `findOperation` has found. */
export function stepsOf(ex: Executor, operation: OperationRow): Promise<OperationStepRow[]> {
  const steps = ex.selectFrom('operation_step').selectAll().where('operation_id', '=', operation.id)
  return steps.orderBy('ordinal').execute()
}

export function listOperations(
  ex: Executor,
  scope: TenantScope,
  addonId: string | undefined,
  slice: Slice,
): Promise<OperationRow[]> {
  let query = ex.selectFrom('operation').selectAll().where(inScope(scope)).where(inSlice('operation', slice))
  if (addonId !== undefined) query = query.where('addon_id', '=', addonId)
  return query.orderBy('id').limit(rowsOf(slice)).execute()
}

/** Whether the open operation on that server has been asked to end. */
export async function isAskedToEnd(tx: Tx, { tenantId, serverId }: OpenWork): Promise<boolean> {
  const open = tx
    .selectFrom('operation')
    .select('id')
    .where('tenant_id', '=', tenantId)
    .where('server_id', '=', serverId)
    .where('finished_at', 'is', null)
    .where('cancel_requested', '=', true)
  return (await open.executeTakeFirst()) !== undefined
}

interface OpenWork {
  tenantId: string
  serverId: string
  /** Only an operation of this kind. */
  kind?: OperationKind
}

/**
 * Asks the open operation on that server to end, and makes it due now. Returns which operation to ring for;
 * undefined when none is open.
 */
export async function requestCancel(tx: Tx, { tenantId, serverId, kind }: OpenWork) {
  let query = tx
    .updateTable('operation')
    .set({ cancel_requested: true, run_at: sql`now()` })
    .where('tenant_id', '=', tenantId)
    .where('server_id', '=', serverId)
    .where('finished_at', 'is', null)
  if (kind !== undefined) query = query.where('kind', '=', kind)
  return query.returning(['id as operationId', 'version']).executeTakeFirst()
}
