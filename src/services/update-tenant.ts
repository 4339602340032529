import { recordAudit } from '../db/audit.ts'
import { updateTenant as updateRow } from '../db/tenants.ts'
import { transact } from '../db/transact.ts'
import type { Caller } from './caller.ts'
import type { TenantInput } from './create-tenant.ts'
import { requireTenant } from './read-tenants.ts'
import type { ServiceDeps } from './service-deps.ts'
import { tenantView } from './tenant-view.ts'

export async function updateTenant(
  { db }: Pick<ServiceDeps, 'db'>,
  { actor }: Caller,
  id: string,
  change: { [Field in keyof TenantInput]?: TenantInput[Field] | undefined },
) {
  const row = await transact(db, async (tx) => {
    const before = await requireTenant(tx, id)
    const { name = before.name, maxConcurrentOperations = before.max_concurrent_operations } = change
    const after = await updateRow(tx, id, { name, max_concurrent_operations: maxConcurrentOperations })
    await recordAudit(tx, { actor, tenantId: id, action: 'tenant.update', resourceId: id, detail: change })
    return after
  })
  return tenantView(row)
}
