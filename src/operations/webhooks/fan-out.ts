import type { Db } from '../../db/client.ts'
import { insertWebhookDeliveries } from '../../db/webhook-deliveries.ts'
import { findEndpointsToTell, findNewEvents, tryLockEndpoint } from '../../db/webhook-dispatch.ts'
import { newId } from '../../domain/ids.ts'
import { addSeconds, type Moment } from '../../domain/moment.ts'
import { DELIVERIES_KEPT_DAYS, isWanted } from '../../domain/webhook.ts'

const ENDPOINTS_AT_ONCE = 200
const EVENTS_AT_ONCE = 500

/** Makes deliveries of the events that endpoints have not been told of. @returns whether there may be more */
export async function fanOut(db: Db, now: Moment): Promise<boolean> {
  let more = false
  for (const endpointId of await findEndpointsToTell(db, ENDPOINTS_AT_ONCE))
    if ((await tellEndpoint(db, endpointId, now)) === EVENTS_AT_ONCE) more = true
  return more
}

/** In one transaction with the endpoint's position: no event is left out, and none comes twice. */
function tellEndpoint(db: Db, endpointId: string, now: Moment): Promise<number> {
  const tooOld = addSeconds(now, -DELIVERIES_KEPT_DAYS * 86_400)
  return db.transaction().execute(async (tx) => {
    const endpoint = await tryLockEndpoint(tx, endpointId)
    if (endpoint === undefined) return 0
    const events = await findNewEvents(tx, endpoint, EVENTS_AT_ONCE)
    const deliveries = events.flatMap((event) => {
      const { position, type, tenant_id: tenantId, resource_id: resourceId, created_at: occurredAt } = event
      if (position === null || occurredAt < tooOld || !isWanted(endpoint.event_types, type)) return []
      return {
        id: newId('webhookDelivery'),
        event_position: position,
        event_type: type,
        resource_id: resourceId,
        data: JSON.stringify({ tenantId, resourceId, ...(event.payload as object) }),
        occurred_at: occurredAt,
      }
    })
    if (deliveries.length > 0) await insertWebhookDeliveries(tx, endpoint, deliveries, now)
    const position = events.at(-1)?.position ?? endpoint.position
    await tx.updateTable('webhook_endpoint').set({ position }).where('id', '=', endpointId).execute()
    return events.length
  })
}
