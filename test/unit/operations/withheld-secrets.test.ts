import { expect, test } from 'vitest'
import { withoutSecrets } from '../../../src/operations/webhooks/attempt.ts'

test.each([
  ['bad signature v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=', 'bad signature [redacted]'],
  ['your key udk_abcdefgh', 'your key [redacted]'],
  ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', '[redacted]'],
  ['Authorization: Bearer abc.def', 'Authorization: Bearer [redacted]'],
  ['postgresql://owner:hunter2@host/db', 'postgresql://owner:[redacted]@host/db'],
  ['echo top-secret', 'echo [redacted]'],
])('what a receiver answers is kept without secrets: %s', (answer, kept) => {
  expect(withoutSecrets(answer, ['top-secret'])).toBe(kept)
})

test('what a receiver answers is kept in a form that PostgreSQL can hold, and not beyond a thousand characters or so', () => {
  expect(withoutSecrets('a\0b\ud800c\n', [])).toBe('a\ufffdb\ufffdc\n')
  const kept = withoutSecrets('\u{1f600}'.repeat(5000), [])
  expect(kept.length).toBeLessThanOrEqual(1024)
  expect(kept.isWellFormed()).toBe(true)
})
