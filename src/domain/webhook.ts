/** `waiting` is behind an earlier event of the same resource, `pending` is due now or at its next attempt. */
export const DELIVERY_STATUSES = ['waiting', 'pending', 'succeeded', 'failed'] as const
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number]

/** Why no answer came, in words that tell nothing of the network that Undrop is in. */
export const DELIVERY_ERRORS = [
  'timed-out',
  'connection-failed',
  'certificate-refused',
  'target-refused',
  'not-sent',
] as const
export type DeliveryError = (typeof DELIVERY_ERRORS)[number]

/** `gone`: it has answered 410. `failing`: nothing else has come of it for days. */
export const DISABLED_REASONS = ['gone', 'failing'] as const
export type DisabledReason = (typeof DISABLED_REASONS)[number]

/** The type of the event by which an endpoint is tried; no pattern has to name it. */
export const TEST_EVENT_TYPE = 'webhook.test'

export const ENDPOINTS_MAX = 20
export const DELIVERIES_KEPT_DAYS = 30

/** One type, all of a resource, or all: `restore.succeeded`, `restore.*`, `*`. */
export const EVENT_TYPE_PATTERN = /^(\*|[a-z][a-z-]{0,62}\.(\*|[a-z][a-z-]{0,62}))$/

export function isWanted(patterns: readonly string[], type: string): boolean {
  const [resource] = type.split('.', 1)
  return patterns.some((pattern) => pattern === '*' || pattern === type || pattern === `${resource}.*`)
}

const DAY_SECONDS = 86_400
const FIRST_RETRY_SECONDS = 5
/** The longest time from one attempt to the next, also for an endpoint that asks for more. */
export const RETRY_SECONDS_MAX = 4 * 3600
/** Since the first attempt; a delivery that has not succeeded by then has failed. */
export const GIVE_UP_SECONDS = 3 * DAY_SECONDS
/** An endpoint that has done nothing but fail for so long is disabled. */
export const DISABLE_SECONDS = 5 * DAY_SECONDS

/**
 * Seconds to the next attempt: three times as long each time, up to four hours, and between half and all of it, so that
 * what failed together does not come back together.
 * @param attempts that have failed; at least 1
 */
export function retrySeconds(attempts: number, random: () => number = Math.random): number {
  const longest = Math.min(FIRST_RETRY_SECONDS * 3 ** (attempts - 1), RETRY_SECONDS_MAX)
  return (longest * (1 + random())) / 2
}
