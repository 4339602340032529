import fc from 'fast-check'
import { expect, test } from 'vitest'
import { backoffSeconds } from '../../../src/lib/backoff.ts'

test('the longest wait doubles from half a second up to a minute', () => {
  const longest = [1, 2, 3, 8, 9, 1000].map((attempt) => backoffSeconds(attempt, () => 1))
  expect(longest).toEqual([0.5, 1, 2, 60, 60, 60])
})

test('a wait may be any time up to the longest, so that what failed together comes back apart', () => {
  fc.assert(
    fc.property(fc.nat({ max: 2000 }), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, chance) => {
      const seconds = backoffSeconds(attempt, () => chance)
      expect(seconds).toBe(chance * backoffSeconds(attempt, () => 1))
    }),
  )
})
