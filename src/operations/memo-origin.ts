import { currentOrigin, type Origin } from '../lib/origin.ts'

// An operation's memo holds beside what its steps learn the request it comes from, under `origin`. Follow-up work has
// the same origin.

/** The memo of new work, with the request that is being answered, or whose work is being done. */
export function withCurrentOrigin(memo: object): object {
  const origin = currentOrigin()
  return origin === null ? memo : { ...memo, origin }
}

/** What the schemas of workflows, which know nothing of it, have dropped. */
export function keepOrigin(memo: object, before: unknown): object {
  const origin = originOf(before)
  return origin === null ? memo : { ...memo, origin }
}

export function originOf(memo: unknown): Origin | null {
  return (memo as { origin?: Origin } | null)?.origin ?? null
}
