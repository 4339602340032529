import { createHmac, randomBytes } from 'node:crypto'

// https://www.standardwebhooks.com, version 1: symmetric signatures.

const PREFIX = 'whsec_'

/** What an endpoint's signatures are made and verified with: 256 random bits. */
export function newWebhookSecret(): string {
  return PREFIX + randomBytes(32).toString('base64')
}

export interface SignedMessage {
  id: string
  /** Seconds since the Unix epoch, of this attempt. */
  timestamp: number
  body: string
}

/** The headers that let a receiver verify the message with any one of the secrets. */
export function signatureHeaders(
  secrets: readonly string[],
  { id, timestamp, body }: SignedMessage,
): Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string> {
  const signed = `${id}.${timestamp}.${body}`
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(PREFIX.length), 'base64')
    return `v1,${createHmac('sha256', key).update(signed).digest('base64')}`
  })
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': signatures.join(' '),
  }
}
