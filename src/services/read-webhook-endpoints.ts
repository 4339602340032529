import type { Executor } from '../db/client.ts'
import type { TenantScope } from '../db/tenant-scope.ts'
import { findWebhookEndpoint, listWebhookEndpoints } from '../db/webhook-endpoints.ts'
import type { WebhookEndpointRow } from '../db/webhook-tables.ts'
import { isId } from '../domain/ids.ts'
import { Problem } from '../domain/problem.ts'
import { type Caller, scopeOf } from './caller.ts'
import { pageOf, type Slice } from './page.ts'
import type { ServiceDeps } from './service-deps.ts'
import { webhookEndpointView } from './webhook-endpoint-view.ts'

type Deps = Pick<ServiceDeps, 'db'>

/** @throws Problem `webhook-endpoint-not-found` */
export async function readWebhookEndpoint({ db }: Deps, caller: Caller, id: string) {
  return webhookEndpointView(await requireWebhookEndpoint(db, scopeOf(caller), id))
}

/** @throws Problem `tenant-not-found` */
export async function readWebhookEndpoints(
  { db }: Deps,
  caller: Caller,
  tenantId: string | undefined,
  slice: Slice,
) {
  return pageOf(await listWebhookEndpoints(db, scopeOf(caller, tenantId), slice), slice, webhookEndpointView)
}

/** @throws Problem `webhook-endpoint-not-found`; `find` may lock the row */
export async function requireWebhookEndpoint<Ex extends Executor>(
  ex: Ex,
  scope: TenantScope,
  id: string,
  find: (
    ex: Ex,
    scope: TenantScope,
    id: string,
  ) => Promise<WebhookEndpointRow | undefined> = findWebhookEndpoint,
): Promise<WebhookEndpointRow> {
  const endpoint = isId('webhookEndpoint', id) ? await find(ex, scope, id) : undefined
  if (endpoint === undefined) throw new Problem('webhook-endpoint-not-found')
  return endpoint
}
