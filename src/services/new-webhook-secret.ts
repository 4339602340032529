import type { Tx } from '../db/client.ts'
import { insertWebhookSecret } from '../db/webhook-endpoints.ts'
import type { WebhookEndpointRow } from '../db/webhook-tables.ts'
import { newId } from '../domain/ids.ts'
import type { Moment } from '../domain/moment.ts'
import { newWebhookSecret } from '../domain/webhook-signature.ts'
import { type KeyRing, sealContext } from '../secrets/key-ring.ts'

/** Gives an endpoint another secret. @returns the secret, which is kept sealed only */
export async function giveWebhookSecret(
  tx: Tx,
  keyRing: KeyRing,
  endpoint: Pick<WebhookEndpointRow, 'id' | 'tenant_id'>,
  now: Moment,
): Promise<string> {
  const id = newId('webhookSecret')
  const secret = newWebhookSecret()
  await insertWebhookSecret(tx, {
    id,
    endpoint_id: endpoint.id,
    tenant_id: endpoint.tenant_id,
    secret_sealed: keyRing.seal(secret, sealContext.webhookSecret(id)),
    created_at: now,
    expires_at: null,
  })
  return secret
}
