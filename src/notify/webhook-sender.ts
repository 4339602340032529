import type { DeliveryError } from '../domain/webhook.ts'

export interface WebhookMessage {
  url: string
  headers: Readonly<Record<string, string>>
  body: string
}

/** What came of one attempt: an answer, or the reason why there was none. */
export interface WebhookAnswer {
  statusCode: number | null
  error: DeliveryError | null
  /** The header as it came. */
  retryAfter: string | null
  /** The beginning of the body. */
  body: string
}

/** Where webhooks may go. */
export interface WebhookTargets {
  /** Why nothing is sent there, for whoever gave the URL; null when it is. */
  refusalOf(url: string): Promise<string | null>
}

/** Sends one message once. */
export interface WebhookSender {
  /** Takes no longer than its time-out, and rejects never. */
  send(message: WebhookMessage): Promise<WebhookAnswer>
}
