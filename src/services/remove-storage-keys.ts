import { recordAudit } from '../db/audit.ts'
import { saveStorageKeys } from '../db/tenants.ts'
import { transact } from '../db/transact.ts'
import { recordEvent } from '../notify/outbox.ts'
import { type Caller, tenantOf } from './caller.ts'
import { requireTenant } from './read-tenants.ts'
import type { ServiceDeps } from './service-deps.ts'

/**
 * Forgets the keys of a tenant, whose servers use Undrop's own again.
 * @throws Problem `tenant-not-found`
 */
export async function removeStorageKeys(
  { db }: Pick<ServiceDeps, 'db'>,
  caller: Caller,
  requestedTenantId: string,
) {
  const { actor } = caller
  const tenantId = tenantOf(caller, requestedTenantId)
  await transact(db, async (tx) => {
    const { storage_key_sealed: sealed } = await requireTenant(tx, tenantId)
    await saveStorageKeys(tx, tenantId, null)
    if (sealed !== null) await recordEvent(tx, { tenantId, type: 'tenant.storage-keys-removed', payload: {} })
    await recordAudit(tx, { actor, tenantId, action: 'tenant.remove-storage-keys', resourceId: tenantId })
  })
}
