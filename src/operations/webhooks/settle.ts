import type { Db, Tx } from '../../db/client.ts'
import { advanceResources } from '../../db/webhook-deliveries.ts'
import {
  type ClaimedDelivery,
  hastenDeliveries,
  type Settled,
  settleDelivery,
} from '../../db/webhook-dispatch.ts'
import { lockWebhookEndpoint, updateWebhookEndpoint } from '../../db/webhook-endpoints.ts'
import type { WebhookEndpointRow } from '../../db/webhook-tables.ts'
import { addSeconds, type Moment, secondsBetween } from '../../domain/moment.ts'
import { parseRetryAfter } from '../../domain/retry-after.ts'
import {
  DISABLE_SECONDS,
  type DisabledReason,
  GIVE_UP_SECONDS,
  RETRY_SECONDS_MAX,
  retrySeconds,
} from '../../domain/webhook.ts'
import { recordEvent } from '../../notify/outbox.ts'
import type { AttemptResult } from './attempt.ts'

const GONE = 410
/** Nothing but failures for so long is an outage of the receiver's; shorter, it may be one event that it cannot take. */
const OUTAGE_SECONDS = 300

/** Writes down what came of an attempt, and what follows from it for the delivery, its resource and its endpoint. */
export async function settle(
  db: Db,
  delivery: ClaimedDelivery,
  result: AttemptResult,
  now: Moment,
): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const endpoint = await lockWebhookEndpoint(tx, 'every-tenant', delivery.endpoint_id)
    // It has been deleted, and its deliveries with it.
    if (endpoint === undefined) return
    const settled = settledBy(delivery, result, now)
    if (!(await settleDelivery(tx, delivery, settled, now))) return
    if (settled.status !== 'pending') await advanceResources(tx, endpoint.id, now, delivery.resource_id)
    if (settled.status === 'succeeded') await noteSuccess(tx, endpoint, now)
    else await noteFailure(tx, endpoint, result, now)
  })
}

function settledBy(delivery: ClaimedDelivery, result: AttemptResult, now: Moment): Settled {
  const { statusCode, error, body: response, durationMilliseconds } = result
  const attempt = { statusCode, error, response, durationMilliseconds }
  if (statusCode !== null && statusCode >= 200 && statusCode < 300)
    return { ...attempt, status: 'succeeded', nextAttemptAt: null }
  const triedForSeconds = secondsBetween(delivery.first_attempted_at ?? now, now)
  if (statusCode === GONE || triedForSeconds >= GIVE_UP_SECONDS)
    return { ...attempt, status: 'failed', nextAttemptAt: null }
  return {
    ...attempt,
    status: 'pending',
    nextAttemptAt: addSeconds(now, retrySeconds(delivery.attempts + 1)),
  }
}

async function noteSuccess(tx: Tx, endpoint: WebhookEndpointRow, now: Moment): Promise<void> {
  if (endpoint.failing_since === null) return
  await updateWebhookEndpoint(tx, 'every-tenant', endpoint.id, { failing_since: null, paused_until: null })
  if (secondsBetween(endpoint.failing_since, now) >= OUTAGE_SECONDS)
    await hastenDeliveries(tx, endpoint.id, now)
}

/** `Retry-After` holds for the whole endpoint: it asks to be left alone. */
async function noteFailure(
  tx: Tx,
  endpoint: WebhookEndpointRow,
  { statusCode, retryAfter }: AttemptResult,
  now: Moment,
): Promise<void> {
  const failingSince = endpoint.failing_since ?? now
  const asked = retryAfter === null ? null : parseRetryAfter(retryAfter, now)
  const pausedUntil =
    asked === null ? endpoint.paused_until : addSeconds(now, Math.min(asked, RETRY_SECONDS_MAX))
  await updateWebhookEndpoint(tx, 'every-tenant', endpoint.id, {
    failing_since: failingSince,
    paused_until: pausedUntil,
  })
  if (!endpoint.enabled) return
  if (statusCode === GONE) await disable(tx, endpoint, 'gone', now)
  else if (secondsBetween(failingSince, now) >= DISABLE_SECONDS) await disable(tx, endpoint, 'failing', now)
}

async function disable(
  tx: Tx,
  { id, tenant_id: tenantId, url }: WebhookEndpointRow,
  reason: DisabledReason,
  now: Moment,
): Promise<void> {
  const change = { enabled: false, disabled_reason: reason, disabled_at: now, updated_at: now }
  await updateWebhookEndpoint(tx, 'every-tenant', id, change)
  const payload = { webhookEndpointId: id, host: URL.parse(url)?.host ?? '', reason }
  await recordEvent(tx, { tenantId, type: 'webhook-endpoint.disabled', payload })
}
