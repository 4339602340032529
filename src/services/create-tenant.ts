import { recordAudit } from '../db/audit.ts'
import { insertTenant } from '../db/tenants.ts'
import { transact } from '../db/transact.ts'
import { newId } from '../domain/ids.ts'
import type { Caller } from './caller.ts'
import type { ServiceDeps } from './service-deps.ts'
import { tenantView } from './tenant-view.ts'

export interface TenantInput {
  name: string
  maxConcurrentOperations?: number | undefined
}

export async function createTenant({ db }: Pick<ServiceDeps, 'db'>, { actor }: Caller, input: TenantInput) {
  const id = newId('tenant')
  const { name, maxConcurrentOperations } = input
  const row = await transact(db, async (tx) => {
    const limit =
      maxConcurrentOperations === undefined ? {} : { max_concurrent_operations: maxConcurrentOperations }
    const tenant = await insertTenant(tx, { id, name, ...limit })
    await recordAudit(tx, { actor, tenantId: id, action: 'tenant.create', resourceId: id })
    return tenant
  })
  return tenantView(row)
}
