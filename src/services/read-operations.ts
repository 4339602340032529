import { findOperation, listOperations, stepsOf } from '../db/operations.ts'
import type { OperationRow, OperationStepRow } from '../db/schema.ts'
import { isId } from '../domain/ids.ts'
import { Problem } from '../domain/problem.ts'
import { type Caller, scopeOf } from './caller.ts'
import { pageOf, type Slice } from './page.ts'
import { requireKnownAddon } from './read-addons.ts'
import type { ServiceDeps } from './service-deps.ts'

/** @throws Problem `operation-not-found` */
export async function readOperation({ db }: Pick<ServiceDeps, 'db'>, caller: Caller, id: string) {
  const operation = isId('operation', id) ? await findOperation(db, scopeOf(caller), id) : undefined
  if (operation === undefined) throw new Problem('operation-not-found')
  return { ...operationView(operation), steps: (await stepsOf(db, operation)).map(stepView) }
}

export async function readOperations(
  { db }: Pick<ServiceDeps, 'db'>,
  caller: Caller,
  { tenantId, addonId }: { tenantId?: string | undefined; addonId?: string | undefined },
  slice: Slice,
) {
  const scope = scopeOf(caller, tenantId)
  await requireKnownAddon(db, scope, addonId)
  return pageOf(await listOperations(db, scope, addonId, slice), slice, operationView)
}

function operationView(row: OperationRow) {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    addonId: row.addon_id,
    kind: row.kind,
    status: row.status,
    step: row.step,
    cancelRequested: row.cancel_requested,
    failure: row.failure,
    createdAt: row.created_at,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
  }
}

/** Without the error of a step, which may name what only operators should see. */
function stepView({ step, entered_at: enteredAt, left_at: leftAt, attempts }: OperationStepRow) {
  return { step, enteredAt, leftAt, attempts }
}
