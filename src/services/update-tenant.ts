import { recordAudit } from '../db/audit.ts'
import { markScheduleStale } from '../db/schedule.ts'
import { updateTenant as updateRow } from '../db/tenants.ts'
import { transact } from '../db/transact.ts'
import { recordEvent } from '../notify/outbox.ts'
import { assertSoundPolicy } from './assert-sound-policy.ts'
import type { Caller } from './caller.ts'
import { changeOf } from './change-of.ts'
import type { TenantInput } from './create-tenant.ts'
import { assertMatches } from './precondition.ts'
import { requireLockedTenant } from './read-tenants.ts'
import type { ServiceDeps } from './service-deps.ts'
import { tenantView } from './tenant-view.ts'

/**
 * Changes what is given; the backup policy and the quotas are replaced as a whole.
 * @throws Problem `tenant-not-found`, `precondition-failed`, `validation-failed` for a backup policy that contradicts itself
 */
export async function updateTenant(
  { db, platformPolicy, platformQuotas }: Pick<ServiceDeps, 'db' | 'platformPolicy' | 'platformQuotas'>,
  caller: Caller,
  id: string,
  change: { [Field in keyof TenantInput]?: TenantInput[Field] | undefined },
) {
  const row = await transact(db, async (tx) => {
    const before = await requireLockedTenant(tx, id)
    assertMatches(caller, () => tenantView(before, platformQuotas))
    const { name = before.name, maxConcurrentOperations = before.max_concurrent_operations } = change
    const { backupPolicy = before.backup_policy, quotas = before.quotas } = change
    const after = await updateRow(tx, id, {
      name,
      max_concurrent_operations: maxConcurrentOperations,
      backup_policy: JSON.stringify(backupPolicy),
      quotas: JSON.stringify(quotas),
    })
    if (change.backupPolicy !== undefined) {
      assertSoundPolicy(platformPolicy, backupPolicy)
      await markScheduleStale(tx, { tenantId: id })
    }
    await recordEvent(tx, { tenantId: id, type: 'tenant.updated', payload: { change } })
    await recordAudit(tx, {
      actor: caller.actor,
      tenantId: id,
      action: 'tenant.update',
      resourceId: id,
      detail: change,
      ...changeOf(tenantView(before, platformQuotas), tenantView(after, platformQuotas)),
    })
    return after
  })
  return tenantView(row, platformQuotas)
}
