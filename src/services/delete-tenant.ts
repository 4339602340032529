import { revokeAllApiKeys } from '../db/api-keys.ts'
import { recordAudit } from '../db/audit.ts'
import { keptUntil } from '../db/kept-archives.ts'
import { lockTenant, markTenantDeleted, tenantHasAddons } from '../db/tenants.ts'
import { transact } from '../db/transact.ts'
import type { Moment } from '../domain/moment.ts'
import { Problem } from '../domain/problem.ts'
import { recordEvent } from '../notify/outbox.ts'
import type { Caller } from './caller.ts'
import { requireTenant } from './read-tenants.ts'
import type { ServiceDeps } from './service-deps.ts'
import { tenantView } from './tenant-view.ts'

/**
 * Ends a tenant and its API keys.
 * @throws Problem `tenant-not-found`, `tenant-not-empty`
 */
export async function deleteTenant(
  { db, now }: Pick<ServiceDeps, 'db' | 'now'>,
  { actor }: Caller,
  id: string,
) {
  const at = now()
  await transact(db, async (tx) => {
    const tenant = await requireTenant(tx, id)
    // Waits for add-ons that are just being made; a second deletion finds nothing any more.
    if ((await lockTenant(tx, id)) === undefined) throw new Problem('tenant-not-found')
    if (await tenantHasAddons(tx, id)) throw new Problem('tenant-not-empty')
    const archivesKeptUntil = await keptUntil(tx, id)
    if (archivesKeptUntil !== null) throw archivesKept(archivesKeptUntil)
    for (const { id: apiKeyId, name } of await revokeAllApiKeys(tx, id, at))
      await recordEvent(tx, { tenantId: id, type: 'api-key.revoked', payload: { apiKeyId, name } })
    await markTenantDeleted(tx, id, at)
    await recordEvent(tx, { tenantId: id, type: 'tenant.deleted', payload: {} })
    await recordAudit(tx, {
      actor,
      tenantId: id,
      action: 'tenant.delete',
      resourceId: id,
      before: tenantView(tenant),
    })
  })
}

/** Its key would be gone with the tenant, and nobody could restore from them. */
function archivesKept(archivesKeptUntil: Moment): Problem {
  const detail = `Archives of deleted add-ons are kept until ${archivesKeptUntil}.`
  return new Problem('tenant-not-empty', { detail, extensions: { archivesKeptUntil } })
}
