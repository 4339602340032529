import { countAddons, countOperations, countRestoresLately, storedBytes } from '../db/usage.ts'
import { effectiveQuotas } from '../domain/quotas.ts'
import { type Caller, scopeOf } from './caller.ts'
import { requireTenant } from './read-tenants.ts'
import type { ServiceDeps } from './service-deps.ts'

/**
 * What a tenant has of what it may have.
 * @throws Problem `tenant-not-found`
 */
export async function readUsage(
  { db, platformQuotas }: Pick<ServiceDeps, 'db' | 'platformQuotas'>,
  caller: Caller,
  tenantId: string,
) {
  scopeOf(caller, tenantId)
  const tenant = await requireTenant(db, tenantId)
  const limits = effectiveQuotas(platformQuotas, tenant.quotas)
  // One after the other: a request has one connection.
  const addons = await countAddons(db, tenantId)
  const bytes = await storedBytes(db, tenantId)
  const restores = await countRestoresLately(db, tenantId)
  const { running, queued } = await countOperations(db, tenantId)
  return {
    addons: { used: addons, limit: limits.addons },
    storageBytes: { used: bytes, limit: limits.storageBytes },
    restoresPerHour: { used: restores, limit: limits.restoresPerHour },
    concurrentOperations: { used: running, limit: tenant.max_concurrent_operations, queued },
  }
}
