import { Webhook } from 'standardwebhooks'
import { expect, test } from 'vitest'
import { eventIdOf } from '../../../src/domain/event-id.ts'
import { parseRetryAfter } from '../../../src/domain/retry-after.ts'
import { GIVE_UP_SECONDS, isWanted, retrySeconds } from '../../../src/domain/webhook.ts'
import { newWebhookSecret, signatureHeaders } from '../../../src/domain/webhook-signature.ts'

const NOW = '2026-11-23T14:00:00.000000Z'

test('the reference library verifies a message with each secret that signs, and with no other', () => {
  const [one, other, none] = [newWebhookSecret(), newWebhookSecret(), newWebhookSecret()]
  const body = '{"type":"restore.succeeded","data":{"name":"Grüße"}}'
  const timestamp = Math.floor(Date.now() / 1000)
  const headers = signatureHeaders([one, other], { id: eventIdOf(42), timestamp, body })
  for (const secret of [one, other])
    expect(new Webhook(secret).verify(body, headers)).toMatchObject({ type: 'restore.succeeded' })
  expect(() => new Webhook(none).verify(body, headers)).toThrow()
  expect(() => new Webhook(one).verify(`${body} `, headers)).toThrow()
})

test('ids of events sort as their positions do', () => {
  const positions = [1, 2, 10, 99, 100, Number.MAX_SAFE_INTEGER]
  expect(positions.map(eventIdOf).toSorted()).toEqual(positions.map(eventIdOf))
})

test.each([
  [['*'], true],
  [['restore.*'], true],
  [['restore.succeeded'], true],
  [['backup.*', 'restore.failed'], false],
  [['restore-point.*'], false],
])('of events that %j asks for restore.succeeded is one: %s', (patterns, wanted) => {
  expect(isWanted(patterns, 'restore.succeeded')).toBe(wanted)
})

test.each([
  ['120', 120],
  [' 5 ', 5],
  ['Mon, 23 Nov 2026 14:02:00 GMT', 120],
  ['Monday, 23-Nov-26 14:02:00 GMT', 120],
  ['Mon Nov 23 14:02:00 2026', 120],
  ['Mon, 23 Nov 2026 13:00:00 GMT', null],
  ['0', null],
  ['-5', null],
  ['1e3', null],
  ['tomorrow', null],
  ['2026', 2026],
])('Retry-After: %s asks for %s seconds', (header, seconds) => {
  expect(parseRetryAfter(header, NOW)).toBe(seconds)
})

test('retries come further and further apart, and go on for three days in a few dozen attempts', () => {
  for (const random of [() => 0, () => 1]) {
    let [attempts, elapsed] = [0, 0]
    while (elapsed < GIVE_UP_SECONDS) elapsed += retrySeconds(++attempts, random)
    expect(attempts).toBeGreaterThan(15)
    expect(attempts).toBeLessThan(60)
  }
  expect(retrySeconds(1, () => 0)).toBe(2.5)
  expect(retrySeconds(100, () => 1)).toBe(4 * 3600)
})
