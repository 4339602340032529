import type { Insertable } from 'kysely'
import type { Executor, Tx } from './client.ts'
import { lookup } from './lookup.ts'
import type { RestoreRow, RestoreTable } from './schema.ts'
import { inSlice, rowsOf, type Slice } from './slice.ts'
import { inScope, type TenantScope } from './tenant-scope.ts'

export function insertRestore(tx: Tx, restore: Insertable<RestoreTable>): Promise<RestoreRow> {
  return tx.insertInto('restore').values(restore).returningAll().executeTakeFirstOrThrow()
}

export const findRestore = lookup((ex, scope, id) => restores(ex, scope).where('id', '=', id))

/** As `findRestore`; nobody changes it until the transaction ends. */
export function lockRestore(tx: Tx, scope: TenantScope, id: string): Promise<RestoreRow | undefined> {
  return restores(tx, scope).where('id', '=', id).forNoKeyUpdate().executeTakeFirst()
}

export function listRestores(
  ex: Executor,
  scope: TenantScope,
  addonId: string | undefined,
  slice: Slice,
): Promise<RestoreRow[]> {
  let query = restores(ex, scope).where(inSlice('restore', slice))
  if (addonId !== undefined) query = query.where('addon_id', '=', addonId)
  return query.orderBy('id').limit(rowsOf(slice)).execute()
}

/** Whether a restore that has not finished, or a drill, reads that server's archive. */
export async function archiveIsBeingRead(ex: Executor, tenantId: string, serverId: string): Promise<boolean> {
  return (await readers(ex, tenantId, serverId).executeTakeFirst()) !== undefined
}

/** As `archiveIsBeingRead`, leaving drills aside: they can be ended at any time. */
export async function isBeingRestored(ex: Executor, tenantId: string, serverId: string): Promise<boolean> {
  const reader = readers(ex, tenantId, serverId).where('drill_id', 'is', null)
  return (await reader.executeTakeFirst()) !== undefined
}

const readers = (ex: Executor, tenantId: string, serverId: string) =>
  ex
    .selectFrom('restore')
    .select('id')
    .where('tenant_id', '=', tenantId)
    .where('source_server_id', '=', serverId)
    .where('finished_at', 'is', null)
    .limit(1)

/** Without those that are a part of a drill, which tells of them itself. */
const restores = (ex: Executor, scope: TenantScope) =>
  ex.selectFrom('restore').selectAll().where(inScope(scope)).where('drill_id', 'is', null)
