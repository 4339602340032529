import type { Executor } from '../db/client.ts'
import type { TenantScope } from '../db/tenant-scope.ts'
import { type DeliveryFilter, findWebhookDelivery, listWebhookDeliveries } from '../db/webhook-deliveries.ts'
import type { WebhookDeliveryRow } from '../db/webhook-tables.ts'
import { isId } from '../domain/ids.ts'
import { Problem } from '../domain/problem.ts'
import { type Caller, scopeOf } from './caller.ts'
import { pageOf, type Slice } from './page.ts'
import { requireWebhookEndpoint } from './read-webhook-endpoints.ts'
import type { ServiceDeps } from './service-deps.ts'
import { webhookDeliveryView } from './webhook-delivery-view.ts'

type Deps = Pick<ServiceDeps, 'db'>

/** @throws Problem `webhook-endpoint-not-found`, `webhook-delivery-not-found` */
export async function readWebhookDelivery({ db }: Deps, caller: Caller, endpointId: string, id: string) {
  const scope = scopeOf(caller)
  await requireWebhookEndpoint(db, scope, endpointId)
  return webhookDeliveryView(await requireWebhookDelivery(db, scope, endpointId, id))
}

/** @throws Problem `webhook-endpoint-not-found` */
export async function readWebhookDeliveries(
  { db }: Deps,
  caller: Caller,
  endpointId: string,
  filter: DeliveryFilter,
  slice: Slice,
) {
  const scope = scopeOf(caller)
  await requireWebhookEndpoint(db, scope, endpointId)
  return pageOf(await listWebhookDeliveries(db, scope, endpointId, filter, slice), slice, webhookDeliveryView)
}

export async function requireWebhookDelivery(
  ex: Executor,
  scope: TenantScope,
  endpointId: string,
  id: string,
): Promise<WebhookDeliveryRow> {
  const found = isId('webhookDelivery', id) ? await findWebhookDelivery(ex, scope, endpointId, id) : undefined
  if (found === undefined) throw new Problem('webhook-delivery-not-found')
  return found
}
