import { recordAudit } from '../db/audit.ts'
import { transact } from '../db/transact.ts'
import { findWebhookDelivery, insertWebhookDeliveries, nextEventPosition } from '../db/webhook-deliveries.ts'
import { lockWebhookEndpoint } from '../db/webhook-endpoints.ts'
import { newId } from '../domain/ids.ts'
import { TEST_EVENT_TYPE } from '../domain/webhook.ts'
import { type Caller, scopeOf } from './caller.ts'
import { requireWebhookEndpoint } from './read-webhook-endpoints.ts'
import type { ServiceDeps } from './service-deps.ts'
import { webhookDeliveryView } from './webhook-delivery-view.ts'

/**
 * Sends an event of its own to that endpoint alone.
 * @throws Problem `webhook-endpoint-not-found`
 */
export async function testWebhookEndpoint(
  { db, now }: Pick<ServiceDeps, 'db' | 'now'>,
  caller: Caller,
  endpointId: string,
) {
  const at = now()
  const scope = scopeOf(caller)
  const id = newId('webhookDelivery')
  const row = await transact(db, async (tx) => {
    const endpoint = await requireWebhookEndpoint(tx, scope, endpointId, lockWebhookEndpoint)
    const { tenant_id: tenantId } = endpoint
    const data = { tenantId, resourceId: endpointId, webhookEndpointId: endpointId }
    const delivery = {
      id,
      event_position: await nextEventPosition(tx),
      event_type: TEST_EVENT_TYPE,
      resource_id: endpointId,
      data: JSON.stringify(data),
      occurred_at: at,
    }
    await insertWebhookDeliveries(tx, endpoint, [delivery], at)
    const entry = { tenantId, action: 'webhook-endpoint.test', resourceId: endpointId }
    await recordAudit(tx, { actor: caller.actor, ...entry })
    return findWebhookDelivery(tx, scope, endpointId, id)
  })
  if (row === undefined) throw new Error('a delivery that has just been written is there')
  return webhookDeliveryView(row)
}
