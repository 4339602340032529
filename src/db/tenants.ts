import type { Insertable } from 'kysely'
import type { Moment } from '../domain/moment.ts'
import type { Executor, Tx } from './client.ts'
import type { TenantRow, TenantTable } from './schema.ts'
import { inSlice, rowsOf, type Slice } from './slice.ts'

export type TenantSettings = Partial<
  Pick<Insertable<TenantTable>, 'name' | 'max_concurrent_operations' | 'backup_policy' | 'quotas'>
>

export function insertTenant(
  tx: Tx,
  tenant: TenantSettings & { id: string; name: string },
): Promise<TenantRow> {
  return tx.insertInto('tenant').values(tenant).returningAll().executeTakeFirstOrThrow()
}

export function findTenant(ex: Executor, id: string): Promise<TenantRow | undefined> {
  return ex
    .selectFrom('tenant')
    .selectAll()
    .where('id', '=', id)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
}

/** Keeps the tenant from being deleted until the transaction ends; others may do the same at once. */
export function holdTenant(tx: Tx, id: string): Promise<{ id: string } | undefined> {
  const tenant = tx.selectFrom('tenant').select('id').where('id', '=', id).where('deleted_at', 'is', null)
  return tenant.forKeyShare().executeTakeFirst()
}

/** Waits for whoever holds the tenant, and keeps others from holding it. */
export function lockTenant(tx: Tx, id: string): Promise<{ id: string } | undefined> {
  const tenant = tx.selectFrom('tenant').select('id').where('id', '=', id).where('deleted_at', 'is', null)
  return tenant.forUpdate().executeTakeFirst()
}

/** Keeps others from changing the tenant until the transaction ends, but not from making something in it. */
export function lockTenantToChange(tx: Tx, id: string): Promise<{ id: string } | undefined> {
  return tx.selectFrom('tenant').select('id').where('id', '=', id).forNoKeyUpdate().executeTakeFirst()
}

export function listTenants(ex: Executor, slice: Slice): Promise<TenantRow[]> {
  return ex
    .selectFrom('tenant')
    .selectAll()
    .where('deleted_at', 'is', null)
    .where(inSlice('tenant', slice))
    .orderBy('id')
    .limit(rowsOf(slice))
    .execute()
}

export function updateTenant(tx: Tx, id: string, settings: TenantSettings): Promise<TenantRow> {
  return tx.updateTable('tenant').set(settings).where('id', '=', id).returningAll().executeTakeFirstOrThrow()
}

export async function markTenantDeleted(tx: Tx, id: string, now: Moment): Promise<void> {
  await tx.updateTable('tenant').set({ deleted_at: now }).where('id', '=', id).execute()
}

export async function tenantHasAddons(ex: Executor, id: string): Promise<boolean> {
  const addon = ex
    .selectFrom('addon')
    .select('id')
    .where('tenant_id', '=', id)
    .where('deleted_at', 'is', null)
  return (await addon.limit(1).executeTakeFirst()) !== undefined
}

/** @param sealed see `src/secrets/storage-keys.ts`; null for none */
export async function saveStorageKeys(tx: Tx, id: string, sealed: string | null): Promise<void> {
  await tx.updateTable('tenant').set({ storage_key_sealed: sealed }).where('id', '=', id).execute()
}
