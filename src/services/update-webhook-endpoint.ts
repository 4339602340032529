import { recordAudit } from '../db/audit.ts'
import type { Tx } from '../db/client.ts'
import { transact } from '../db/transact.ts'
import { advanceResources } from '../db/webhook-deliveries.ts'
import { lockWebhookEndpoint, updateWebhookEndpoint as updateRow } from '../db/webhook-endpoints.ts'
import type { WebhookEndpointRow } from '../db/webhook-tables.ts'
import type { Moment } from '../domain/moment.ts'
import { recordEvent } from '../notify/outbox.ts'
import { assertWebhookUrl } from './assert-webhook-url.ts'
import { type Caller, scopeOf } from './caller.ts'
import { changeOf } from './change-of.ts'
import type { WebhookEndpointInput } from './create-webhook-endpoint.ts'
import { assertMatches } from './precondition.ts'
import { requireWebhookEndpoint } from './read-webhook-endpoints.ts'
import type { ServiceDeps } from './service-deps.ts'
import { webhookEndpointView } from './webhook-endpoint-view.ts'

type Field = 'url' | 'description' | 'eventTypes' | 'enabled'
export type WebhookEndpointChange = { [Name in Field]?: WebhookEndpointInput[Name] | undefined }

/**
 * Changes what is given. An endpoint that is enabled again goes on where it has stopped.
 * @throws Problem `webhook-endpoint-not-found`, `webhook-url-refused`, `precondition-failed`
 */
export async function updateWebhookEndpoint(
  deps: Pick<ServiceDeps, 'db' | 'now' | 'webhookTargets'>,
  caller: Caller,
  id: string,
  change: WebhookEndpointChange,
) {
  const scope = scopeOf(caller)
  await requireWebhookEndpoint(deps.db, scope, id)
  if (change.url !== undefined) await assertWebhookUrl(deps, change.url)
  const at = deps.now()
  const row = await transact(deps.db, async (tx) => {
    const before = await requireWebhookEndpoint(tx, scope, id, lockWebhookEndpoint)
    assertMatches(caller, () => webhookEndpointView(before))
    const after = await apply(tx, before, change, at)
    const { tenant_id: tenantId } = before
    const payload = { webhookEndpointId: id, changed: Object.keys(change), enabled: after.enabled }
    await recordEvent(tx, { tenantId, type: 'webhook-endpoint.updated', payload })
    await recordAudit(tx, {
      actor: caller.actor,
      tenantId,
      action: 'webhook-endpoint.update',
      resourceId: id,
      ...changeOf(webhookEndpointView(before), webhookEndpointView(after)),
    })
    return after
  })
  return webhookEndpointView(row)
}

async function apply(
  tx: Tx,
  before: WebhookEndpointRow,
  {
    url = before.url,
    description = before.description,
    eventTypes = before.event_types,
    enabled,
  }: WebhookEndpointChange,
  at: Moment,
): Promise<WebhookEndpointRow> {
  const fields = { url, description, event_types: eventTypes, updated_at: at }
  const { id } = before
  if (enabled === undefined || enabled === before.enabled) return updateRow(tx, 'every-tenant', id, fields)
  if (!enabled) return updateRow(tx, 'every-tenant', id, { ...fields, enabled, disabled_at: at })
  // Deliveries that were due are gone after a time; what waited behind them is then first.
  await advanceResources(tx, id, at)
  const fresh = { disabled_reason: null, disabled_at: null, failing_since: null, paused_until: null }
  return updateRow(tx, 'every-tenant', id, { ...fields, ...fresh, enabled })
}
