import { recordAudit } from '../db/audit.ts'
import { transact } from '../db/transact.ts'
import { replayWebhookDeliveries } from '../db/webhook-deliveries.ts'
import { lockWebhookEndpoint } from '../db/webhook-endpoints.ts'
import { parseMoment } from '../domain/moment.ts'
import { Problem } from '../domain/problem.ts'
import { type Caller, scopeOf } from './caller.ts'
import { requireWebhookDelivery } from './read-webhook-deliveries.ts'
import { requireWebhookEndpoint } from './read-webhook-endpoints.ts'
import type { ServiceDeps } from './service-deps.ts'
import { webhookDeliveryView } from './webhook-delivery-view.ts'

type Deps = Pick<ServiceDeps, 'db' | 'now'>

/**
 * Sends a delivery again that has finished; one that has not is on its way already, and stays as it is.
 * @throws Problem `webhook-endpoint-not-found`, `webhook-delivery-not-found`
 */
export async function replayWebhookDelivery(deps: Deps, caller: Caller, endpointId: string, id: string) {
  const scope = scopeOf(caller)
  const row = await transact(deps.db, async (tx) => {
    const endpoint = await requireWebhookEndpoint(tx, scope, endpointId, lockWebhookEndpoint)
    await requireWebhookDelivery(tx, scope, endpointId, id)
    await replayWebhookDeliveries(tx, endpointId, { id }, deps.now())
    const { tenant_id: tenantId } = endpoint
    const entry = { tenantId, action: 'webhook-delivery.replay', resourceId: id, detail: { endpointId } }
    await recordAudit(tx, { actor: caller.actor, ...entry })
    return requireWebhookDelivery(tx, scope, endpointId, id)
  })
  return webhookDeliveryView(row)
}

/**
 * Sends all deliveries again that have failed, of events that were written down since then.
 * @param since RFC 3339 with an offset
 * @throws Problem `webhook-endpoint-not-found`, `validation-failed`
 */
export async function replayFailedWebhookDeliveries(
  deps: Deps,
  caller: Caller,
  endpointId: string,
  since: string,
) {
  const failedSince = parseMoment(since)
  if (failedSince === null) throw new Problem('validation-failed')
  const replayed = await transact(deps.db, async (tx) => {
    const endpoint = await requireWebhookEndpoint(tx, scopeOf(caller), endpointId, lockWebhookEndpoint)
    const count = await replayWebhookDeliveries(tx, endpointId, { failedSince }, deps.now())
    const { tenant_id: tenantId } = endpoint
    const detail = { failedSince, count }
    const entry = { tenantId, action: 'webhook-endpoint.replay', resourceId: endpointId, detail }
    await recordAudit(tx, { actor: caller.actor, ...entry })
    return count
  })
  return { replayed }
}
