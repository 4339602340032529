import type { Tx } from '../db/client.ts'
import { countAddons, lockTenantQuotas, secondsUntilRestore, storedBytes } from '../db/usage.ts'
import { Problem } from '../domain/problem.ts'
import { type CompleteQuotas, effectiveQuotas } from '../domain/quotas.ts'
import type { ServiceDeps } from './service-deps.ts'

type Wish = 'addon' | 'restore' | 'backup'

/**
 * Asserts that the tenant may have one more of that. Its row stays locked until the transaction ends, so that of those
 * who ask at once no more are let through than there is room for.
 * @throws Problem `tenant-not-found`, `quota-exceeded`, `restore-rate-exceeded`
 */
export async function assertWithinQuotas(
  tx: Tx,
  { platformQuotas }: Pick<ServiceDeps, 'platformQuotas'>,
  tenantId: string,
  wish: Wish,
): Promise<void> {
  const tenant = await lockTenantQuotas(tx, tenantId)
  if (tenant === undefined) throw new Problem('tenant-not-found')
  const quotas = effectiveQuotas(platformQuotas, tenant.quotas)
  await assertRoom('storageBytes', quotas, () => storedBytes(tx, tenantId))
  // The child of a restore is an add-on like any other.
  if (wish !== 'backup') await assertRoom('addons', quotas, () => countAddons(tx, tenantId))
  if (wish === 'restore') await assertRestoresLeft(tx, tenantId, quotas)
}

async function assertRoom(
  quota: 'addons' | 'storageBytes',
  quotas: CompleteQuotas,
  usage: () => Promise<number>,
): Promise<void> {
  const limit = quotas[quota]
  if (limit === null) return
  const used = await usage()
  if (used >= limit) throw new Problem('quota-exceeded', { extensions: { quota, limit, used } })
}

async function assertRestoresLeft(tx: Tx, tenantId: string, { restoresPerHour: limit }: CompleteQuotas) {
  if (limit === null) return
  const retryAfterSeconds = await secondsUntilRestore(tx, tenantId, limit)
  if (retryAfterSeconds > 0)
    throw new Problem('restore-rate-exceeded', { extensions: { limit, retryAfterSeconds } })
}
