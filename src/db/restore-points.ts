import type { Insertable } from 'kysely'
import type { Executor, Tx } from './client.ts'
import type { RestorePointRow, RestorePointTable } from './schema.ts'
import { inSlice, rowsOf, type Slice } from './slice.ts'
import { inScope, type TenantScope } from './tenant-scope.ts'

/** @throws the database's error on `restore_point_name` when the name is taken. */
export function insertRestorePoint(tx: Tx, point: Insertable<RestorePointTable>): Promise<RestorePointRow> {
  return tx.insertInto('restore_point').values(point).returningAll().executeTakeFirstOrThrow()
}

export function findRestorePoint(
  ex: Executor,
  scope: TenantScope,
  id: string,
): Promise<RestorePointRow | undefined> {
  const points = ex.selectFrom('restore_point').selectAll().where(inScope(scope))
  return points.where('id', '=', id).executeTakeFirst()
}

/** The restore point of that name in a server's WAL. */
export function findRestorePointNamed(
  ex: Executor,
  { tenantId, serverId }: { tenantId: string; serverId: string },
  name: string,
): Promise<RestorePointRow | undefined> {
  const points = ex.selectFrom('restore_point').selectAll().where('tenant_id', '=', tenantId)
  return points.where('server_id', '=', serverId).where('name', '=', name).executeTakeFirst()
}

export function listRestorePoints(
  ex: Executor,
  scope: TenantScope,
  addonId: string,
  slice: Slice,
): Promise<RestorePointRow[]> {
  return ex
    .selectFrom('restore_point')
    .selectAll()
    .where(inScope(scope))
    .where('addon_id', '=', addonId)
    .where(inSlice('restore_point', slice))
    .orderBy('id')
    .limit(rowsOf(slice))
    .execute()
}
