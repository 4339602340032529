import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addSeconds, type Moment } from '../../../src/domain/moment.ts'
import { addToRuns, reviseGaps, type WalBase, type WalRun, walGaps } from '../../../src/domain/wal-gaps.ts'
import { segmentName } from '../../../src/domain/wal-segment.ts'

const START: Moment = '2026-11-23T13:00:00.000000Z'
const name = (number: number, timeline = 1) => segmentName({ timeline, number })
/** Segment n is stored n minutes after the start. */
const storedAt = (number: number) => addSeconds(START, number * 60)

function runsOf(numbers: readonly number[], timeline = 1): WalRun[] {
  const runs: WalRun[] = []
  for (const number of numbers) addToRuns(runs, name(number, timeline), storedAt(number))
  return runs
}

/** A base that needs the WAL of that segment on, and was complete when it was stored. */
const baseAt = (number: number, timeline = 1): WalBase => ({
  timeline,
  startSegment: name(number, timeline),
  stoppedAt: storedAt(number),
})

describe('gaps', () => {
  test('there is none where segment follows segment, over the end of a log file too', () => {
    expect(walGaps(runsOf([254, 255, 256, 257]), [baseAt(254)], name(257))).toEqual([])
  })

  test('one is between what was stored before it and the next base', () => {
    const gaps = walGaps(runsOf([3, 4, 7, 8, 9]), [baseAt(3), baseAt(8)], name(9))
    expect(gaps).toEqual([
      {
        afterSegment: name(4),
        beforeSegment: name(7),
        missingSegments: 2,
        from: storedAt(4),
        to: addSeconds(storedAt(8), 1),
      },
    ])
  })

  test('one that no base comes after is open', () => {
    expect(walGaps(runsOf([3, 4, 7]), [baseAt(3), baseAt(4)], name(7))).toMatchObject([{ to: null }])
  })

  test('what the server has archived and is not there is missing at the end', () => {
    expect(walGaps(runsOf([3, 4]), [baseAt(3)], name(6))).toEqual([
      { afterSegment: name(4), beforeSegment: null, missingSegments: 2, from: storedAt(4), to: null },
    ])
  })

  test('a listing with more than the server was known to have archived has lost nothing', () => {
    expect(walGaps(runsOf([3, 4, 5, 6]), [baseAt(3)], name(4))).toEqual([])
    expect(walGaps(runsOf([3, 4, 5, 6]), [baseAt(3)], null)).toEqual([])
  })

  test('WAL before the oldest base has expired, and is not missing', () => {
    expect(walGaps(runsOf([3, 7, 8]), [baseAt(7)], name(8))).toEqual([])
    expect(walGaps(runsOf([3, 7, 8]), [], name(8))).toEqual([])
  })

  test('when the WAL of the base itself is gone, nothing can be reached from its end on', () => {
    expect(walGaps(runsOf([3, 6]), [baseAt(4)], name(6))).toMatchObject([
      { afterSegment: name(3), beforeSegment: name(6), from: storedAt(4), to: null },
    ])
  })

  test('each timeline is looked at by itself', () => {
    const runs = [...runsOf([3, 4]), ...runsOf([5, 8], 2)]
    expect(walGaps(runs, [baseAt(3), baseAt(5, 2)], name(8, 2))).toMatchObject([
      { afterSegment: name(5, 2), beforeSegment: name(8, 2), missingSegments: 2 },
    ])
  })

  test('one that is known is made up for by a later base, and forgotten with the last base before it', () => {
    const known = walGaps(runsOf([3, 4, 7, 8]), [baseAt(3)], name(8))
    expect(reviseGaps(known, [baseAt(3), baseAt(8)])).toMatchObject([{ to: addSeconds(storedAt(8), 1) }])
    expect(reviseGaps(known, [baseAt(8)])).toEqual([])
  })
})

const numbers = fc.uniqueArray(fc.integer({ min: 3, max: 40 }), { minLength: 1, maxLength: 38 })

test('a segment is missing exactly when it lies between the oldest base and the last one, and is not there', () => {
  fc.assert(
    fc.property(numbers, numbers, fc.integer({ min: 3, max: 45 }), (present, starts, last) => {
      const there = new Set(present)
      const gaps = walGaps(
        runsOf([...there].sort((a, b) => a - b)),
        starts.map((n) => baseAt(n)),
        name(last),
      )
      const missing = gaps.flatMap(({ afterSegment, missingSegments }) =>
        Array.from(
          { length: missingSegments },
          (_, i) => Number.parseInt(afterSegment.slice(16), 16) + 1 + i,
        ),
      )
      const oldest = Math.min(...starts)
      const end = Math.max(last, ...present)
      const expected = Array.from({ length: end + 1 }, (_, n) => n).filter(
        (n) => n >= oldest && !there.has(n),
      )
      expect(missing).toEqual(expected)
    }),
  )
})

test('a moment outside of every gap has all WAL from its newest base up to the first segment stored after it', () => {
  fc.assert(
    fc.property(numbers, numbers, fc.integer({ min: 0, max: 2600 }), (present, starts, seconds) => {
      const there = [...present].sort((a, b) => a - b)
      const bases = starts.map((n) => baseAt(n))
      const at = addSeconds(START, seconds)
      const base = starts.filter((n) => addSeconds(storedAt(n), 1) <= at).sort((a, b) => b - a)[0]
      const end = there.find((n) => storedAt(n) >= at)
      fc.pre(base !== undefined && end !== undefined && end >= base)
      const isWhole = Array.from({ length: end - base + 1 }, (_, i) => base + i).every((n) =>
        there.includes(n),
      )
      const isInGap = walGaps(runsOf(there), bases, null).some(
        ({ from, to }) => from < at && (to === null || at < to),
      )
      expect(isInGap).toBe(!isWhole)
    }),
  )
})

test('what is known of gaps and revised says the same as a new look', () => {
  fc.assert(
    fc.property(numbers, numbers, numbers, (present, starts, more) => {
      const runs = runsOf([...present].sort((a, b) => a - b))
      const first = starts.map((n) => baseAt(n))
      const oldest = Math.min(...starts)
      const all = [...first, ...more.filter((n) => n > oldest).map((n) => baseAt(n))]
      expect(reviseGaps(walGaps(runs, first, null), all)).toEqual(walGaps(runs, all, null))
    }),
  )
})
