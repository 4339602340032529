import type { Insertable } from 'kysely'
import type { Executor, Tx } from './client.ts'
import type { BackupRow, BackupTable } from './schema.ts'
import { bounds, inScope, type Slice, type TenantScope } from './tenant-scope.ts'

export function insertBackup(tx: Tx, backup: Insertable<BackupTable>): Promise<BackupRow> {
  return tx.insertInto('backup').values(backup).returningAll().executeTakeFirstOrThrow()
}

export function findBackup(ex: Executor, scope: TenantScope, id: string): Promise<BackupRow | undefined> {
  return ex.selectFrom('backup').selectAll().where(inScope(scope)).where('id', '=', id).executeTakeFirst()
}

export function listBackups(
  ex: Executor,
  scope: TenantScope,
  addonId: string,
  slice: Slice,
): Promise<BackupRow[]> {
  const { limit, after } = bounds(slice)
  return ex
    .selectFrom('backup')
    .selectAll()
    .where(inScope(scope))
    .where('addon_id', '=', addonId)
    .where('id', '>', after)
    .orderBy('id')
    .limit(limit)
    .execute()
}

/** The complete backups in a server's archive that can be restored from. */
export function completeBackups(ex: Executor, tenantId: string, serverId: string): Promise<BackupRow[]> {
  return ex
    .selectFrom('backup')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('server_id', '=', serverId)
    .where('status', '=', 'succeeded')
    .where('damaged_at', 'is', null)
    .where('expired_at', 'is', null)
    .execute()
}
