import { sql } from 'kysely'
import type { Executor } from '../db/client.ts'
import type { OperationKind } from '../domain/addon.ts'
import { newId } from '../domain/ids.ts'
import { Problem } from '../domain/problem.ts'
import { withCurrentOrigin } from './memo-origin.ts'
import type { WakeUp } from './wake-up.ts'

/** The step of an operation that no worker has begun. */
export const QUEUED_STEP = 'queued'

export interface NewWork {
  tenantId: string
  kind: OperationKind
  serverId: string
  addonId: string
  /** What the workflow of that kind starts from; no secrets. */
  memo: object
  /** False for light work that may go on beside other work on the server. */
  exclusive?: boolean
}

/**
 * Writes the operation row; the caller's transaction holds the change that asks for it. Ring the wake-up after commit.
 * @throws Problem `operation-in-progress` when the server has an open operation: there is one at a time.
 */
export async function openOperation(tx: Executor, work: NewWork): Promise<WakeUp> {
  const { rows } = await sql<{ id: string; version: number }>`
    insert into operation (id, tenant_id, kind, server_id, addon_id, step, memo, exclusive)
    values (${newId('operation')}, ${work.tenantId}, ${work.kind}, ${work.serverId}, ${work.addonId}, ${QUEUED_STEP},
            ${JSON.stringify(withCurrentOrigin(work.memo))}, ${work.exclusive ?? true})
    on conflict (server_id) where finished_at is null and exclusive do nothing
    returning id, version`.execute(tx)
  const [row] = rows
  if (row === undefined) throw new Problem('operation-in-progress')
  return { operationId: row.id, version: row.version }
}
