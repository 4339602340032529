import { type Moment, microsOf } from './moment.ts'

/**
 * Seconds that a `Retry-After` header asks for (RFC 9110, 10.2.3), from `now` on: a number of them, or an HTTP date. Null
 * for a header that is neither, and for a time that has passed.
 */
export function parseRetryAfter(header: string, now: Moment): number | null {
  const text = header.trim()
  const seconds = /^\d{1,9}$/.test(text) ? Number(text) : secondsUntil(text, now)
  return seconds > 0 ? seconds : null
}

/** The preferred form of HTTP dates, and the two that recipients have to accept beside it (RFC 9110, 5.6.7). */
const HTTP_DATE =
  /^(\w{3}, \d{2} \w{3} \d{4} [\d:]{8} GMT|\w{6,9}, \d{2}-\w{3}-\d{2} [\d:]{8} GMT|\w{3} \w{3} [ \d]\d [\d:]{8} \d{4})$/

function secondsUntil(text: string, now: Moment): number {
  if (!HTTP_DATE.test(text)) return Number.NaN
  const milliseconds = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`)
  return (milliseconds - Number(microsOf(now) / 1000n)) / 1000
}
