const BACKOFF_SECONDS_MAX = 60

/** Seconds to the next attempt: exponential with full jitter, so that what failed together does not come back together. */
export function backoffSeconds(attempt: number, random: () => number = Math.random): number {
  return random() * Math.min(0.25 * 2 ** attempt, BACKOFF_SECONDS_MAX)
}
