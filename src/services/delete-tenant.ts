import { revokeAllApiKeys } from '../db/api-keys.ts'
import { recordAudit } from '../db/audit.ts'
import { keptUntil } from '../db/kept-archives.ts'
import { lockTenant, markTenantDeleted, tenantHasAddons } from '../db/tenants.ts'
import type { Moment } from '../domain/moment.ts'
import { Problem } from '../domain/problem.ts'
import { recordEvent } from '../notify/outbox.ts'
import type { Caller } from './caller.ts'
import { changeKeys } from './key-memory.ts'
import { assertMatches } from './precondition.ts'
import { requireLockedTenant } from './read-tenants.ts'
import { recordKeyEvent } from './record-key-event.ts'
import type { ServiceDeps } from './service-deps.ts'
import { tenantView } from './tenant-view.ts'

/**
 * Ends a tenant and its API keys.
 * @throws Problem `tenant-not-found`, `precondition-failed`, `tenant-not-empty`
 */
export async function deleteTenant(
  { db, now, platformQuotas }: Pick<ServiceDeps, 'db' | 'now' | 'platformQuotas'>,
  caller: Caller,
  id: string,
) {
  const at = now()
  await changeKeys(db, async (tx) => {
    // Waits for add-ons that are just being made; a second deletion finds nothing any more.
    const tenant = await requireLockedTenant(tx, id, lockTenant)
    assertMatches(caller, () => tenantView(tenant, platformQuotas))
    if (await tenantHasAddons(tx, id)) throw new Problem('tenant-not-empty')
    const archivesKeptUntil = await keptUntil(tx, id)
    if (archivesKeptUntil !== null) throw archivesKept(archivesKeptUntil)
    for (const key of await revokeAllApiKeys(tx, id, at)) await recordKeyEvent(tx, 'api-key.revoked', key)
    await markTenantDeleted(tx, id, at)
    await recordEvent(tx, { tenantId: id, type: 'tenant.deleted', payload: {} })
    await recordAudit(tx, {
      actor: caller.actor,
      tenantId: id,
      action: 'tenant.delete',
      resourceId: id,
      before: tenantView(tenant, platformQuotas),
    })
  })
}

/** Its key would be gone with the tenant, and nobody could restore from them. */
function archivesKept(archivesKeptUntil: Moment): Problem {
  const detail = `Archives of deleted add-ons are kept until ${archivesKeptUntil}.`
  return new Problem('tenant-not-empty', { detail, extensions: { archivesKeptUntil } })
}
