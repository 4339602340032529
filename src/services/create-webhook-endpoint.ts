import { recordAudit } from '../db/audit.ts'
import type { Tx } from '../db/client.ts'
import { holdTenant } from '../db/tenants.ts'
import { transact } from '../db/transact.ts'
import { countWebhookEndpoints, insertWebhookEndpoint } from '../db/webhook-endpoints.ts'
import { newId } from '../domain/ids.ts'
import { Problem } from '../domain/problem.ts'
import { ENDPOINTS_MAX } from '../domain/webhook.ts'
import { recordEvent } from '../notify/outbox.ts'
import { assertWebhookUrl } from './assert-webhook-url.ts'
import { type Caller, tenantOf } from './caller.ts'
import { giveWebhookSecret } from './new-webhook-secret.ts'
import type { ServiceDeps } from './service-deps.ts'
import { webhookEndpointView } from './webhook-endpoint-view.ts'

export interface WebhookEndpointInput {
  /** Null for an endpoint of the platform, which is told of the events of all tenants. */
  tenantId?: string | null | undefined
  url: string
  description?: string | undefined
  eventTypes?: string[] | undefined
  enabled?: boolean | undefined
}

/**
 * The only answer, but for a rotation's, that holds a secret.
 * @throws Problem `webhook-url-refused`, `webhook-endpoint-limit`, `tenant-not-found`, `forbidden` for a tenant's key
 * that asks for an endpoint of the platform
 */
export async function createWebhookEndpoint(
  deps: Pick<ServiceDeps, 'db' | 'now' | 'keyRing' | 'webhookTargets'>,
  caller: Caller,
  input: WebhookEndpointInput,
) {
  const tenantId = ownerOf(caller, input.tenantId)
  await assertWebhookUrl(deps, input.url)
  const { row, secret } = await transact(deps.db, (tx) => record(tx, deps, caller, { ...input, tenantId }))
  return { ...webhookEndpointView(row), secret }
}

function ownerOf(caller: Caller, tenantId: string | null | undefined): string | null {
  if (tenantId !== null) return tenantOf(caller, tenantId)
  if (caller.tenantId !== null) throw new Problem('forbidden')
  return null
}

async function record(
  tx: Tx,
  { keyRing, now }: Pick<ServiceDeps, 'keyRing' | 'now'>,
  { actor }: Caller,
  {
    tenantId,
    url,
    description = '',
    eventTypes = ['*'],
    enabled = true,
  }: WebhookEndpointInput & { tenantId: string | null },
) {
  if (tenantId !== null && (await holdTenant(tx, tenantId)) === undefined)
    throw new Problem('tenant-not-found')
  if ((await countWebhookEndpoints(tx, tenantId)) >= ENDPOINTS_MAX)
    throw new Problem('webhook-endpoint-limit', { extensions: { limit: ENDPOINTS_MAX } })
  const at = now()
  const row = await insertWebhookEndpoint(tx, {
    id: newId('webhookEndpoint'),
    tenant_id: tenantId,
    url,
    description,
    event_types: eventTypes,
    enabled,
    created_at: at,
    updated_at: at,
  })
  const secret = await giveWebhookSecret(tx, keyRing, row, at)
  const { id } = row
  const host = URL.parse(url)?.host ?? ''
  await recordEvent(tx, {
    tenantId,
    type: 'webhook-endpoint.created',
    payload: { webhookEndpointId: id, host },
  })
  const after = webhookEndpointView(row)
  await recordAudit(tx, { actor, tenantId, action: 'webhook-endpoint.create', resourceId: id, after })
  return { row, secret }
}
