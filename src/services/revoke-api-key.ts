import { lockApiKey, revokeApiKey as revokeRow } from '../db/api-keys.ts'
import { recordAudit } from '../db/audit.ts'
import { transact } from '../db/transact.ts'
import { isId } from '../domain/ids.ts'
import { Problem } from '../domain/problem.ts'
import { apiKeyView } from './api-key-view.ts'
import { type Caller, tenantOf } from './caller.ts'
import { assertMatches } from './precondition.ts'
import { requireTenant } from './read-tenants.ts'
import type { ServiceDeps } from './service-deps.ts'

/**
 * From now on the key opens nothing. Revoking it again changes nothing.
 * @throws Problem `tenant-not-found`, `api-key-not-found`, `precondition-failed`
 */
export async function revokeApiKey(
  { db, now }: Pick<ServiceDeps, 'db' | 'now'>,
  caller: Caller,
  requestedTenantId: string,
  id: string,
): Promise<void> {
  const tenantId = tenantOf(caller, requestedTenantId)
  await transact(db, async (tx) => {
    await requireTenant(tx, tenantId)
    const key = isId('apiKey', id) ? await lockApiKey(tx, tenantId, id) : undefined
    if (key === undefined) throw new Problem('api-key-not-found')
    assertMatches(caller, () => apiKeyView(key))
    await revokeRow(tx, tenantId, id, now())
    await recordAudit(tx, { actor: caller.actor, tenantId, action: 'api-key.revoke', resourceId: id })
  })
}
