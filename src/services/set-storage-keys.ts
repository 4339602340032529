import { recordAudit } from '../db/audit.ts'
import { saveStorageKeys } from '../db/tenants.ts'
import { transact } from '../db/transact.ts'
import type { TenantStorageKeys } from '../domain/repository.ts'
import { recordEvent } from '../notify/outbox.ts'
import { sealStorageKeys, storageKeysOf } from '../secrets/storage-keys.ts'
import { type Caller, tenantOf } from './caller.ts'
import { assertMatches } from './precondition.ts'
import { requireLockedTenant, requireTenant } from './read-tenants.ts'
import type { ServiceDeps } from './service-deps.ts'
import { storageKeysView, viewOfSealedKeys } from './storage-keys-view.ts'

/**
 * Keeps the keys that a tenant's servers use from now on in place of Undrop's own, once the object store has shown that
 * they do. Their configuration follows within seconds (`src/operations/refresh-config.ts`).
 * @throws Problem `tenant-not-found`, `precondition-failed`, `storage-not-s3`, `storage-keys-refused`, `archive-unreachable`
 */
export async function setStorageKeys(
  { db, keyRing, archives }: Pick<ServiceDeps, 'db' | 'keyRing' | 'archives'>,
  caller: Caller,
  requestedTenantId: string,
  keys: TenantStorageKeys,
) {
  const tenantId = tenantOf(caller, requestedTenantId)
  await requireTenant(db, tenantId)
  const warnings = await archives.checkKeys(tenantId, keys)
  const sealed = sealStorageKeys(keyRing, tenantId, keys)
  const view = storageKeysView(keys)
  await transact(db, async (tx) => {
    const { storage_key_sealed: before } = await requireLockedTenant(tx, tenantId)
    assertMatches(caller, () => storageKeysView(storageKeysOf(keyRing, tenantId, before)))
    await saveStorageKeys(tx, tenantId, sealed)
    await recordEvent(tx, { tenantId, type: 'tenant.storage-keys-set', payload: view })
    await recordAudit(tx, {
      actor: caller.actor,
      tenantId,
      action: 'tenant.set-storage-keys',
      resourceId: tenantId,
      detail: view,
      before: viewOfSealedKeys(keyRing, tenantId, before),
      after: view,
    })
  })
  return { ...view, warnings }
}
