import { recordAudit } from '../db/audit.ts'
import { saveStorageKeys } from '../db/tenants.ts'
import { transact } from '../db/transact.ts'
import { recordEvent } from '../notify/outbox.ts'
import { storageKeysOf } from '../secrets/storage-keys.ts'
import { type Caller, tenantOf } from './caller.ts'
import { assertMatches } from './precondition.ts'
import { requireLockedTenant } from './read-tenants.ts'
import type { ServiceDeps } from './service-deps.ts'
import { storageKeysView, viewOfSealedKeys } from './storage-keys-view.ts'

/**
 * Forgets the keys of a tenant, whose servers use Undrop's own again.
 * @throws Problem `tenant-not-found`, `precondition-failed`
 */
export async function removeStorageKeys(
  { db, keyRing }: Pick<ServiceDeps, 'db' | 'keyRing'>,
  caller: Caller,
  requestedTenantId: string,
) {
  const tenantId = tenantOf(caller, requestedTenantId)
  await transact(db, async (tx) => {
    const { storage_key_sealed: sealed } = await requireLockedTenant(tx, tenantId)
    assertMatches(caller, () => storageKeysView(storageKeysOf(keyRing, tenantId, sealed)))
    const before = viewOfSealedKeys(keyRing, tenantId, sealed)
    await saveStorageKeys(tx, tenantId, null)
    if (sealed !== null) await recordEvent(tx, { tenantId, type: 'tenant.storage-keys-removed', payload: {} })
    await recordAudit(tx, {
      actor: caller.actor,
      tenantId,
      action: 'tenant.remove-storage-keys',
      resourceId: tenantId,
      before,
      after: storageKeysView(null),
    })
  })
}
