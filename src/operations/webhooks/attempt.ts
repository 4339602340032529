import type { Db } from '../../db/client.ts'
import { type ClaimedDelivery, findSigningSecrets } from '../../db/webhook-dispatch.ts'
import { eventIdOf } from '../../domain/event-id.ts'
import { type Moment, microsOf } from '../../domain/moment.ts'
import { signatureHeaders } from '../../domain/webhook-signature.ts'
import type { WebhookAnswer, WebhookSender } from '../../notify/webhook-sender.ts'
import { type KeyRing, sealContext } from '../../secrets/key-ring.ts'

export interface AttemptDeps {
  db: Db
  keyRing: KeyRing
  sender: WebhookSender
}

export interface AttemptResult extends WebhookAnswer {
  durationMilliseconds: number
}

const SHOWN_CHARACTERS_MAX = 1024

/** Sends a delivery once, signed by every secret that the endpoint has. Each attempt sends the same id and body. */
export async function attempt(
  { db, keyRing, sender }: AttemptDeps,
  delivery: ClaimedDelivery,
  now: Moment,
): Promise<AttemptResult> {
  const sealed = await findSigningSecrets(db, delivery.endpoint_id, now)
  const secrets = sealed.map(({ id, secret_sealed }) =>
    keyRing.open(secret_sealed, sealContext.webhookSecret(id)),
  )
  const body = bodyOf(delivery)
  const timestamp = Number(microsOf(now) / 1_000_000n)
  const signed = signatureHeaders(secrets, { id: eventIdOf(delivery.event_position), timestamp, body })
  const headers = { 'content-type': 'application/json', 'user-agent': 'Undrop-Webhooks/1', ...signed }
  const begunAt = performance.now()
  const answer = await sender.send({ url: delivery.url, headers, body })
  const durationMilliseconds = Math.round(performance.now() - begunAt)
  const shown = withoutSecrets(answer.body, [...secrets, ...signed['webhook-signature'].split(' ')])
  return { ...answer, body: shown, durationMilliseconds }
}

function bodyOf({ event_type: type, occurred_at: timestamp, data }: ClaimedDelivery): string {
  return JSON.stringify({ type, timestamp, data })
}

const CONTROL = /[^\P{Cc}\n\t]|\p{Cs}/gu
const LIKE_A_SECRET = /(whsec_|udk_|v1,)[\w+/=-]+|(?<=bearer\s+)\S+|(?<=:\/\/[^\s:@/]*:)[^\s@/]+(?=@)/gi

/** The beginning of an answer as it is kept: receivers put into it what they were sent, and more. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  let clean = text.replace(CONTROL, '\ufffd')
  for (const secret of secrets) clean = clean.replaceAll(secret, '[redacted]')
  return clean
    .replace(LIKE_A_SECRET, '[redacted]')
    .slice(0, SHOWN_CHARACTERS_MAX)
    .replace(/\p{Cs}$/u, '')
}
