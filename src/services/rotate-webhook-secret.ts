import { recordAudit } from '../db/audit.ts'
import { transact } from '../db/transact.ts'
import { lockWebhookEndpoint, retireWebhookSecrets } from '../db/webhook-endpoints.ts'
import { addSeconds } from '../domain/moment.ts'
import { recordEvent } from '../notify/outbox.ts'
import { type Caller, scopeOf } from './caller.ts'
import { giveWebhookSecret } from './new-webhook-secret.ts'
import { requireWebhookEndpoint } from './read-webhook-endpoints.ts'
import type { ServiceDeps } from './service-deps.ts'

const OVERLAP_SECONDS = 86_400
/** Of the earlier ones: more signatures would make a header that receivers refuse. */
const EARLIER_MAX = 3

/**
 * Gives the endpoint a new secret. The earlier ones sign beside it for the overlap.
 * @throws Problem `webhook-endpoint-not-found`
 */
export async function rotateWebhookSecret(
  { db, now, keyRing }: Pick<ServiceDeps, 'db' | 'now' | 'keyRing'>,
  caller: Caller,
  id: string,
  overlapSeconds = OVERLAP_SECONDS,
) {
  const at = now()
  const earlierSignUntil = addSeconds(at, overlapSeconds)
  const secret = await transact(db, async (tx) => {
    const endpoint = await requireWebhookEndpoint(tx, scopeOf(caller), id, lockWebhookEndpoint)
    await retireWebhookSecrets(tx, id, { now: at, until: earlierSignUntil, keep: EARLIER_MAX })
    const made = await giveWebhookSecret(tx, keyRing, endpoint, at)
    const { tenant_id: tenantId } = endpoint
    const payload = { webhookEndpointId: id, earlierSignUntil }
    await recordEvent(tx, { tenantId, type: 'webhook-endpoint.secret-rotated', payload })
    const entry = { tenantId, action: 'webhook-endpoint.rotate-secret', resourceId: id }
    await recordAudit(tx, { actor: caller.actor, ...entry, detail: { earlierSignUntil } })
    return made
  })
  return { secret, createdAt: at, earlierSignUntil }
}
