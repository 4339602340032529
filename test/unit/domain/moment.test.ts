import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  addSeconds,
  microsOf,
  momentOfMicros,
  parseMoment,
  secondsBetween,
  toRecoveryTargetTime,
} from '../../../src/domain/moment.ts'

/** From 1970 to 9999. */
const micros = fc.bigInt({ min: 0n, max: 253_402_300_799_999_999n })

describe('a moment', () => {
  test('survives the way to microseconds and back', () => {
    fc.assert(fc.property(micros, (count) => microsOf(momentOfMicros(count)) === count))
  })

  test('is read back from its own text unchanged', () => {
    fc.assert(fc.property(micros, (count) => parseMoment(momentOfMicros(count)) === momentOfMicros(count)))
  })

  test('compares as text the way it compares in time', () => {
    fc.assert(
      fc.property(
        micros,
        micros,
        (one, other) => one < other === momentOfMicros(one) < momentOfMicros(other),
      ),
    )
  })

  test('is the same moment whatever the offset it was given in', () => {
    const minutes = fc.integer({ min: -840, max: 840 })
    fc.assert(
      fc.property(fc.bigInt({ min: 10n ** 15n, max: 10n ** 17n }), minutes, (count, offset) => {
        const sign = offset < 0 ? '-' : '+'
        const [hours, rest] = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60]
        const zone = `${sign}${String(hours).padStart(2, '0')}:${String(rest).padStart(2, '0')}`
        const local = momentOfMicros(count + BigInt(offset) * 60_000_000n).replace('Z', zone)
        return parseMoment(local) === momentOfMicros(count)
      }),
    )
  })
})

test.each([
  ['2026-11-23T14:00:00.1234569Z', '2026-11-23T14:00:00.123456Z'],
  ['2026-11-23t14:00:00.49z', '2026-11-23T14:00:00.490000Z'],
  ['2026-11-23 14:00:00+05:30', '2026-11-23T08:30:00.000000Z'],
  ['2027-03-28T02:30:00+02:00', '2027-03-28T00:30:00.000000Z'],
  ['2028-02-29T00:00:00-00:01', '2028-02-29T00:01:00.000000Z'],
])('%s is the moment %s', (text, moment) => {
  expect(parseMoment(text)).toBe(moment)
})

test.each([
  '2026-11-23T14:00:00',
  '2026-11-23T14:00:00+0200',
  '2027-02-29T00:00:00Z',
  '2026-11-23T24:00:00Z',
  '2026-11-23T14:00:60Z',
  '2026-11-23T14:00:00+99:00',
  'now',
  '',
])('“%s” is no moment', (text) => {
  expect(parseMoment(text)).toBeNull()
})

test('a recovery target has every microsecond and no Z, which PostgreSQL refuses', () => {
  expect(toRecoveryTargetTime('2026-11-23T14:00:00.490322Z')).toBe('2026-11-23 14:00:00.490322+00')
})

test('seconds added lie between the moments', () => {
  const start = '2026-12-31T23:59:59.999999Z'
  const later = addSeconds(start, 0.000001)
  expect(later).toBe('2027-01-01T00:00:00.000000Z')
  expect(secondsBetween(start, later)).toBe(0.000001)
})
