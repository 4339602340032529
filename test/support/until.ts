import { expect } from 'vitest'
import { waitUntil } from '../../src/lib/wait-until.ts'

/** Fails the test when the condition does not come true within 10 s. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  expect(await waitUntil(condition, { timeoutSeconds: 10, everyMilliseconds: 10 })).toBe(true)
}
