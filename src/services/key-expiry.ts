import { type Moment, parseMoment } from '../domain/moment.ts'
import { Problem } from '../domain/problem.ts'

/**
 * When a key is to end, as a request says it.
 * @param text RFC 3339 with an offset; null for never, undefined where nothing is said
 * @throws Problem `validation-failed` for a moment that has passed
 */
export function requestedExpiry(text: string | null | undefined, now: Moment): Moment | null | undefined {
  if (text === null || text === undefined) return text
  const expiresAt = parseMoment(text)
  if (expiresAt !== null && expiresAt > now) return expiresAt
  const errors = [{ pointer: '/expiresAt', detail: 'has to be later than now' }]
  throw new Problem('validation-failed', { extensions: { errors } })
}
