import type { Problem } from '../domain/problem.ts'

/** The page of a code is at this address and its name: docs/problems/<code>.md. */
const TYPE_BASE = 'https://undrop.dev/problems/'

export const PROBLEM_MEDIA_TYPE = 'application/problem+json'

/** RFC 9457 problem details. */
export function problemDocument({ code, title, status, detail, extensions }: Problem, requestId: string) {
  return {
    ...extensions,
    type: TYPE_BASE + code,
    title,
    status,
    ...(detail === undefined ? {} : { detail }),
    instance: requestId,
  }
}
