import { type Insertable, sql } from 'kysely'
import type { Executor, Tx } from './client.ts'
import type { BackupRow, BackupTable } from './schema.ts'
import { inSlice, rowsOf, type Slice } from './slice.ts'
import { inScope, type TenantScope } from './tenant-scope.ts'

export function insertBackup(tx: Tx, backup: Insertable<BackupTable>): Promise<BackupRow> {
  return tx.insertInto('backup').values(backup).returningAll().executeTakeFirstOrThrow()
}

/** For rows of `backup`: complete, not given up, and neither damaged itself nor built upon what is. */
export const canBeRestoredFrom = sql<boolean>`(
  backup.status = 'succeeded' and backup.label is not null
  and backup.expired_at is null and backup.damaged_at is null
  and not exists (select from backup as base
                   where base.server_id = backup.server_id and base.damaged_at is not null
                     and backup.reference_labels ? base.label))`

/** A backup and the last segment of its archive. */
export type BackupInArchive = BackupRow & { last_archived_segment: string | null }

export function findBackup(
  ex: Executor,
  scope: TenantScope,
  id: string,
): Promise<BackupInArchive | undefined> {
  return backupsInArchive(ex, scope).where('backup.id', '=', id).executeTakeFirst()
}

export function listBackups(
  ex: Executor,
  scope: TenantScope,
  addonId: string,
  slice: Slice,
): Promise<BackupInArchive[]> {
  return backupsInArchive(ex, scope)
    .where('backup.addon_id', '=', addonId)
    .where(inSlice('backup', slice))
    .orderBy('backup.id')
    .limit(rowsOf(slice))
    .execute()
}

/** The complete backups in a server's archive that can be restored from. */
export function completeBackups(ex: Executor, tenantId: string, serverId: string): Promise<BackupRow[]> {
  return ex
    .selectFrom('backup')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('server_id', '=', serverId)
    .where(canBeRestoredFrom)
    .execute()
}

function backupsInArchive(ex: Executor, scope: TenantScope) {
  return ex
    .selectFrom('backup')
    .innerJoin('archive', 'archive.server_id', 'backup.server_id')
    .selectAll('backup')
    .select('archive.last_archived_segment')
    .where(inScope(scope, 'backup.tenant_id'))
}

/** Whether a backup in the archive has been found to be damaged. */
export async function hasDamagedBackup(ex: Executor, tenantId: string, serverId: string): Promise<boolean> {
  const damaged = ex
    .selectFrom('backup')
    .select('id')
    .where('tenant_id', '=', tenantId)
    .where('server_id', '=', serverId)
    .where('damaged_at', 'is not', null)
    .where('expired_at', 'is', null)
  return (await damaged.limit(1).executeTakeFirst()) !== undefined
}
