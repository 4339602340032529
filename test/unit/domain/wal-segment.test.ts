import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  findGaps,
  firstMissing,
  formatLsn,
  parseLsn,
  parseSegment,
  segmentName,
  segmentOfLsn,
} from '../../../src/domain/wal-segment.ts'

const place = fc.record({
  timeline: fc.integer({ min: 1, max: 0xffffffff }),
  number: fc.integer({ min: 1, max: 2 ** 40 - 2 }),
})

describe('a segment', () => {
  test('has one name, and the name one place', () => {
    fc.assert(
      fc.property(place, (segment) => {
        expect(parseSegment(segmentName(segment))).toEqual(segment)
      }),
    )
  })

  test('has a name that sorts before that of the next', () => {
    fc.assert(
      fc.property(place, ({ timeline, number }) => {
        expect(segmentName({ timeline, number: number + 1 }) > segmentName({ timeline, number })).toBe(true)
      }),
    )
  })

  test('carries over at 256 segments', () => {
    const { timeline, number } = parseSegment('0000000100000000000000FF')
    expect(segmentName({ timeline, number: number + 1 })).toBe('000000010000000100000000')
  })

  test('holds its first and its last byte', () => {
    expect(segmentOfLsn('0/3000000', 1)).toBe('000000010000000000000003')
    expect(segmentOfLsn('0/3FFFFFF', 1)).toBe('000000010000000000000003')
    expect(segmentOfLsn('2A/FF000028', 3)).toBe('000000030000002A000000FF')
  })

  test.each(['00000002.history', '00000001000000000000000a', ''])('is not named “%s”', (name) => {
    expect(() => parseSegment(name)).toThrow(RangeError)
  })
})

test('an LSN is a number of 64 bits, in two halves', () => {
  expect(['0/9', '0/A0', '0/FFFFFFFF', '1/0'].map(parseLsn)).toEqual([0x9n, 0xa0n, 0xffffffffn, 0x100000000n])
  expect(parseLsn('0/A')).toBe(parseLsn('0/a'))
  expect(() => parseLsn('0/xyz')).toThrow(RangeError)
})

describe('gaps', () => {
  const name = (number: number, timeline = 1) => segmentName({ timeline, number })

  test('are exactly what was taken out of an unbroken row', () => {
    const rows = fc.array(fc.boolean(), { minLength: 1, maxLength: 60 })
    fc.assert(
      fc.property(rows, (present) => {
        const segments = present.flatMap((kept, at) => (kept ? [name(at + 5)] : []))
        const missing = findGaps(segments, name(5)).reduce((sum, gap) => sum + gap.missingSegments, 0)
        const lastKept = present.lastIndexOf(true)
        expect(missing).toBe(present.slice(0, lastKept + 1).filter((kept) => !kept).length)
      }),
    )
  })

  test('name the segments on either side', () => {
    expect(findGaps([name(5), name(6), name(9)], name(5))).toEqual([
      { afterSegment: name(6), beforeSegment: name(9), missingSegments: 2 },
    ])
  })

  test('begin at the segment asked for, even when that one is missing', () => {
    expect(findGaps([name(2), name(7)], name(5))).toEqual([
      { afterSegment: name(4), beforeSegment: name(7), missingSegments: 2 },
    ])
  })

  test('do not arise where another timeline goes on', () => {
    expect(findGaps([name(5), name(6), name(90, 2)], name(5))).toEqual([])
  })
})

test('an LSN is printed as PostgreSQL does, without zeros in front', () => {
  for (const lsn of ['0/0', '0/3002168', 'A/FF', 'FFFFFFFF/FFFFFFFF'])
    expect(formatLsn(parseLsn(lsn))).toBe(lsn)
  expect(formatLsn(parseLsn('00a/0300abcd'))).toBe('A/300ABCD')
})

test('the first missing segment of a stretch is named, over the end of a log file too', () => {
  const segments = ['0000000100000000000000FE', '000000010000000100000000', '000000010000000100000001']
  const [from = '', , to = ''] = segments
  expect(firstMissing(segments, from, to)).toBe('0000000100000000000000FF')
  expect(firstMissing([...segments, '0000000100000000000000FF'], from, to)).toBeNull()
  expect(firstMissing([], to, to)).toBe(to)
})
