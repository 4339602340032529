import { recordAudit } from '../db/audit.ts'
import { transact } from '../db/transact.ts'
import { deleteWebhookEndpoint as deleteRow, lockWebhookEndpoint } from '../db/webhook-endpoints.ts'
import { recordEvent } from '../notify/outbox.ts'
import { type Caller, scopeOf } from './caller.ts'
import { assertMatches } from './precondition.ts'
import { requireWebhookEndpoint } from './read-webhook-endpoints.ts'
import type { ServiceDeps } from './service-deps.ts'
import { webhookEndpointView } from './webhook-endpoint-view.ts'

/**
 * Nothing is sent to it any more; its deliveries are forgotten.
 * @throws Problem `webhook-endpoint-not-found`, `precondition-failed`
 */
export async function deleteWebhookEndpoint(
  { db }: Pick<ServiceDeps, 'db'>,
  caller: Caller,
  id: string,
): Promise<void> {
  const scope = scopeOf(caller)
  await transact(db, async (tx) => {
    const endpoint = await requireWebhookEndpoint(tx, scope, id, lockWebhookEndpoint)
    assertMatches(caller, () => webhookEndpointView(endpoint))
    await deleteRow(tx, scope, id)
    const { tenant_id: tenantId } = endpoint
    const payload = { webhookEndpointId: id }
    await recordEvent(tx, { tenantId, type: 'webhook-endpoint.deleted', payload })
    const before = webhookEndpointView(endpoint)
    const entry = { tenantId, action: 'webhook-endpoint.delete', resourceId: id, before }
    await recordAudit(tx, { actor: caller.actor, ...entry })
  })
}
