import { hash } from 'node:crypto'
import { Problem } from '../domain/problem.ts'
import type { Caller } from './caller.ts'

/** Not of the resource: shown once, said by one answer alone, or moving with every request. */
const LEFT_OUT = { secret: undefined, warnings: undefined, lastUsedAt: undefined }

/** The strong entity tag of a resource as clients see it (RFC 9110, 8.8.3). */
export function etagOf(view: object): string {
  const text = JSON.stringify({ ...view, ...LEFT_OUT })
  return `"${hash('sha256', text, 'base64url').slice(0, 27)}"`
}

/**
 * Refuses a request whose If-Match names another state of the resource (RFC 9110, 13.1.1).
 * @param view of the row as it is locked, so that nobody changes it before the change is committed
 * @throws Problem `precondition-failed`
 */
export function assertMatches({ ifMatch }: Caller, view: () => object): void {
  if (ifMatch !== undefined && !matchesTag(ifMatch, etagOf(view()))) throw new Problem('precondition-failed')
}

/** Whether a list of entity tags names that one; weak ones name none. */
function matchesTag(tags: string, etag: string): boolean {
  return tags.trim() === '*' || tags.split(',').some((tag) => tag.trim() === etag)
}

/** Whether If-None-Match names that tag, weak or not (RFC 9110, 13.1.2). */
export function isKnownTag(tags: string, etag: string): boolean {
  return matchesTag(tags.replaceAll('W/"', '"'), etag)
}
