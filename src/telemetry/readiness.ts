import { setTimeout } from 'node:timers/promises'

/** What must work for a process to be ready, by name; a check that fails rejects. */
export type Checks = Readonly<Record<string, () => Promise<void>>>

const CHECK_SECONDS_MAX = 1

/** The checks that fail, with why. One that takes longer than a second has failed. */
export async function failedChecks(checks: Checks): Promise<{ name: string; reason: unknown }[]> {
  const names = Object.keys(checks)
  const results = await Promise.allSettled(Object.values(checks).map(withinLimit))
  return results.flatMap((result, index) =>
    result.status === 'rejected' ? [{ name: names[index] ?? '', reason: result.reason }] : [],
  )
}

/** @throws Error when the work takes longer than a second */
export async function withinLimit<Result>(work: () => Promise<Result>): Promise<Result> {
  const limit = setTimeout(CHECK_SECONDS_MAX * 1000, undefined, { ref: false })
  const late = limit.then(() => Promise.reject(new Error('the check takes too long')))
  return Promise.race([work(), late])
}
