import { lockApiKey, revokeApiKey as revokeRow } from '../db/api-keys.ts'
import { recordAudit } from '../db/audit.ts'
import { transact } from '../db/transact.ts'
import { isId } from '../domain/ids.ts'
import { Problem } from '../domain/problem.ts'
import { recordEvent } from '../notify/outbox.ts'
import { apiKeyView } from './api-key-view.ts'
import { type Caller, tenantOf } from './caller.ts'
import { changeOf } from './change-of.ts'
import { requireTenant } from './read-tenants.ts'
import type { ServiceDeps } from './service-deps.ts'

/** From now on the key opens nothing. Revoking it again changes nothing. */
export async function revokeApiKey(
  { db, now }: Pick<ServiceDeps, 'db' | 'now'>,
  caller: Caller,
  requestedTenantId: string,
  id: string,
): Promise<void> {
  const tenantId = tenantOf(caller, requestedTenantId)
  await transact(db, async (tx) => {
    await requireTenant(tx, tenantId)
    const before = isId('apiKey', id) ? await lockApiKey(tx, tenantId, id) : undefined
    if (before === undefined) throw new Problem('api-key-not-found')
    const after = await revokeRow(tx, tenantId, id, now())
    if (before.revoked_at === null) {
      const payload = { apiKeyId: id, name: before.name }
      await recordEvent(tx, { tenantId, type: 'api-key.revoked', payload })
    }
    await recordAudit(tx, {
      actor: caller.actor,
      tenantId,
      action: 'api-key.revoke',
      resourceId: id,
      ...changeOf(apiKeyView(before), apiKeyView(after)),
    })
  })
}
