import { setTimeout as delay } from 'node:timers/promises'

export interface WaitOptions {
  timeoutSeconds: number
  everyMilliseconds?: number
}

/** Polls until the condition holds; false when it did not within the time limit. */
export async function waitUntil(
  condition: () => boolean | Promise<boolean>,
  { timeoutSeconds, everyMilliseconds = 5 }: WaitOptions,
): Promise<boolean> {
  const deadline = performance.now() + timeoutSeconds * 1000
  while (!(await condition())) {
    if (performance.now() >= deadline) return false
    await delay(everyMilliseconds)
  }
  return true
}
