import { isDeepStrictEqual } from 'node:util'

type Facts = Record<string, unknown>

/** What differs between two views of one resource, for the audit log: a change shows what it has changed and no more. */
export function changeOf(before: Facts, after: Facts): { before: Facts; after: Facts } {
  const changed = Object.keys(after).filter((name) => !isDeepStrictEqual(before[name], after[name]))
  const pick = (facts: Facts) => Object.fromEntries(changed.map((name) => [name, facts[name] ?? null]))
  return { before: pick(before), after: pick(after) }
}
