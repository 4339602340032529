import { recordAudit } from '../db/audit.ts'
import { insertTenant } from '../db/tenants.ts'
import { transact } from '../db/transact.ts'
import type { BackupPolicy } from '../domain/backup-policy.ts'
import { newId } from '../domain/ids.ts'
import type { Quotas } from '../domain/quotas.ts'
import { recordEvent } from '../notify/outbox.ts'
import { assertSoundPolicy } from './assert-sound-policy.ts'
import type { Caller } from './caller.ts'
import type { ServiceDeps } from './service-deps.ts'
import { tenantView } from './tenant-view.ts'

export interface TenantInput {
  name: string
  maxConcurrentOperations?: number | undefined
  backupPolicy?: BackupPolicy | undefined
  quotas?: Quotas | undefined
}

/** @throws Problem `validation-failed` for a backup policy that contradicts itself */
export async function createTenant(
  { db, platformPolicy, platformQuotas }: Pick<ServiceDeps, 'db' | 'platformPolicy' | 'platformQuotas'>,
  { actor }: Caller,
  input: TenantInput,
) {
  const id = newId('tenant')
  const { name, maxConcurrentOperations, backupPolicy = {}, quotas = {} } = input
  assertSoundPolicy(platformPolicy, backupPolicy)
  const row = await transact(db, async (tx) => {
    const limit =
      maxConcurrentOperations === undefined ? {} : { max_concurrent_operations: maxConcurrentOperations }
    const json = { backup_policy: JSON.stringify(backupPolicy), quotas: JSON.stringify(quotas) }
    const tenant = await insertTenant(tx, { id, name, ...json, ...limit })
    await recordEvent(tx, { tenantId: id, type: 'tenant.created', payload: { name } })
    const after = tenantView(tenant, platformQuotas)
    await recordAudit(tx, { actor, tenantId: id, action: 'tenant.create', resourceId: id, after })
    return tenant
  })
  return tenantView(row, platformQuotas)
}
