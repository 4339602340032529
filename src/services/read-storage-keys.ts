import { storageKeysOf } from '../secrets/storage-keys.ts'
import { type Caller, tenantOf } from './caller.ts'
import { requireTenant } from './read-tenants.ts'
import type { ServiceDeps } from './service-deps.ts'
import { storageKeysView } from './storage-keys-view.ts'

/** @throws Problem `tenant-not-found`, `secret-unreadable` */
export async function readStorageKeys(
  { db, keyRing }: Pick<ServiceDeps, 'db' | 'keyRing'>,
  caller: Caller,
  requestedTenantId: string,
) {
  const tenantId = tenantOf(caller, requestedTenantId)
  const { storage_key_sealed: sealed } = await requireTenant(db, tenantId)
  return storageKeysView(storageKeysOf(keyRing, tenantId, sealed))
}
