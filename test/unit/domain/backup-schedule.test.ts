import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type CompleteBackupPolicy, DEFAULT_POLICY } from '../../../src/domain/backup-policy.ts'
import { isInWindow, nextBackup, spreadOf } from '../../../src/domain/backup-schedule.ts'
import { secondsOf } from '../../../src/domain/duration.ts'
import { newId } from '../../../src/domain/ids.ts'
import { addSeconds, type Moment, secondsBetween } from '../../../src/domain/moment.ts'

const [HOUR, DAY] = [3600, 86_400]
const NOW: Moment = '2026-11-23T14:00:00.000000Z'

const policy = (given: Partial<CompleteBackupPolicy>) => ({ ...DEFAULT_POLICY, ...given })
const full = (stoppedAt: Moment) => ({ type: 'full' as const, stoppedAt })
const differential = (stoppedAt: Moment) => ({ type: 'differential' as const, stoppedAt })

const timesOfDay = fc
  .integer({ min: 0, max: 24 * 60 - 1 })
  .map(
    (minutes) =>
      `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`,
  )
const windows = fc.record({ from: timesOfDay, to: timesOfDay }).filter(({ from, to }) => from !== to)
const periods = fc.constantFrom('PT10M', 'PT45M', 'PT6H', 'P1D', 'P1DT12H', 'P7D', 'P30D')
const spreads = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const policies = fc
  .record({
    fullEvery: periods,
    differentialEvery: fc.option(periods),
    window: fc.option(windows),
  })
  .map(policy)
const moments = fc.integer({ min: 0, max: 400 * DAY }).map((seconds) => addSeconds(NOW, -seconds))
const histories = fc.array(
  fc.record({ type: fc.constantFrom('full', 'differential', 'incremental'), stoppedAt: moments }),
  { maxLength: 8 },
)

const openSecondsOf = ({ window }: CompleteBackupPolicy) => {
  if (window === null) return DAY
  const [from, to] = [window.from, window.to].map(
    (time) => Number(time.slice(0, 2)) * 60 + Number(time.slice(3)),
  )
  return (((to as number) - (from as number)) * 60 + DAY) % DAY
}
const intervalOf = ({ fullEvery, differentialEvery }: CompleteBackupPolicy) =>
  Math.min(secondsOf(fullEvery), secondsOf(differentialEvery ?? fullEvery))

describe('the next backup', () => {
  test('is later than now, and in the window if there is one', () => {
    fc.assert(
      fc.property(policies, histories, spreads, (some, backups, spread) => {
        const { at } = nextBackup(some, backups, spread, NOW)
        expect(at > NOW).toBe(true)
        expect(isInWindow(some, at)).toBe(true)
      }),
    )
  })

  test('comes at most one period after the last one, and the time for which the window is closed', () => {
    fc.assert(
      fc.property(policies, spreads, (some, spread) => {
        const { at } = nextBackup(some, [full(NOW)], spread, NOW)
        const closed = DAY - openSecondsOf(some)
        // Closed once before the period begins, when the last one was outside of the window, and once within it.
        expect(secondsBetween(NOW, at)).toBeLessThanOrEqual(intervalOf(some) + 2 * closed)
      }),
    )
  })

  test('is full at the latest when the last full one is as old as the policy allows', () => {
    fc.assert(
      fc.property(policies, histories, spreads, (some, backups, spread) => {
        const { at, type } = nextBackup(some, backups, spread, NOW)
        const last = backups
          .filter((each) => each.type === 'full')
          .map(({ stoppedAt }) => stoppedAt)
          .sort()
          .at(-1)
        const limit = secondsOf(some.fullEvery) + 2 * (DAY - openSecondsOf(some))
        if (last === undefined || secondsBetween(last, at) > limit) expect(type).toBe('full')
      }),
    )
  })

  test('that was missed is made up for within an hour, not at once', () => {
    fc.assert(
      fc.property(spreads, (spread) => {
        const { at } = nextBackup(policy({}), [full(addSeconds(NOW, -30 * DAY))], spread, NOW)
        expect(secondsBetween(NOW, at)).toBeGreaterThanOrEqual(HOUR / 4)
        expect(secondsBetween(NOW, at)).toBeLessThanOrEqual(HOUR)
      }),
    )
  })

  test('is the same however often it is worked out before it is due', () => {
    fc.assert(
      fc.property(policies, spreads, fc.double({ min: 0, max: 1, noNaN: true }), (some, spread, share) => {
        const first = nextBackup(some, [full(NOW)], spread, NOW)
        const later = addSeconds(NOW, Math.floor(share * (secondsBetween(NOW, first.at) - 1)))
        // While the window is closed its next opening is as good as now.
        if (isInWindow(some, later)) expect(nextBackup(some, [full(NOW)], spread, later)).toEqual(first)
      }),
    )
  })
})

describe('over a month', () => {
  /** Backups that are taken whenever they are due, and take a minute. */
  function month(some: CompleteBackupPolicy, spread: number) {
    const taken = [full(NOW)] as { type: 'full' | 'differential'; stoppedAt: Moment }[]
    for (let now = NOW; secondsBetween(NOW, now) < 28 * DAY; ) {
      const next = nextBackup(some, taken, spread, now)
      now = addSeconds(next.at, 60)
      taken.push({ type: next.type, stoppedAt: now })
    }
    return taken.slice(1)
  }

  test('there is one every day, and every seventh is full', () => {
    fc.assert(
      fc.property(spreads, fc.option(windows), (spread, window) => {
        const taken = month(policy({ window }), spread)
        expect(taken.length).toBeGreaterThanOrEqual(28)
        expect(taken.length).toBeLessThanOrEqual(30)
        const fulls = taken.flatMap(({ type }, index) => (type === 'full' ? [index] : []))
        expect(fulls.length).toBeGreaterThanOrEqual(4)
        expect(fulls.slice(1).map((index, n) => index - (fulls[n] ?? 0))).toEqual(fulls.slice(1).map(() => 7))
      }),
      { numRuns: 50 },
    )
  })

  test('all are full where there are to be no differential ones', () => {
    const taken = month(policy({ fullEvery: 'P1D', differentialEvery: null }), 0.3)
    expect(new Set(taken.map(({ type }) => type))).toEqual(new Set(['full']))
  })
})

describe('ten thousand add-ons', () => {
  const spread = Array.from({ length: 10_000 }, () => spreadOf(newId('server')))
  const window = { from: '22:00', to: '04:00' }

  /** How many there are in each of ten equal parts of that time. */
  function tenths(seconds: readonly number[], of: number): number[] {
    const counts = Array<number>(10).fill(0)
    for (const each of seconds) {
      const tenth = Math.floor((each / of) * 10)
      counts[tenth] = (counts[tenth] ?? 0) + 1
    }
    return counts
  }

  function expectEven(counts: readonly number[]): void {
    expect(Math.min(...counts)).toBeGreaterThan(800)
    expect(Math.max(...counts)).toBeLessThan(1200)
  }

  const nexts = (some: CompleteBackupPolicy, last: Moment, now = NOW) =>
    spread.map((each) => nextBackup(some, [full(last)], each, now).at)

  test('that were made in the same minute are spread evenly over the first period', () => {
    expectEven(
      tenths(
        nexts(policy({}), NOW).map((at) => secondsBetween(NOW, at) - 1),
        DAY,
      ),
    )
  })

  test('are spread evenly over the window, and over the days of a longer period', () => {
    const opens: Moment = '2026-11-23T22:00:00.000000Z'
    const since = (at: Moment) => secondsBetween(opens, at)
    const daily = nexts(policy({ window }), NOW).map(since)
    expectEven(
      tenths(
        daily.map((seconds) => seconds % DAY),
        6 * HOUR,
      ),
    )
    const weekly = nexts(policy({ window, fullEvery: 'P10D', differentialEvery: null }), NOW).map(since)
    expectEven(tenths(weekly, 10 * DAY))
    expectEven(
      tenths(
        weekly.map((seconds) => seconds % DAY),
        6 * HOUR,
      ),
    )
  })

  test('do not all begin at the end of an outage', () => {
    const late = nexts(policy({}), addSeconds(NOW, -3 * DAY)).map((at) => secondsBetween(NOW, at))
    expectEven(
      tenths(
        late.map((seconds) => seconds - HOUR / 4 - 1),
        0.75 * HOUR,
      ),
    )
  })

  test('have their full backups on different days', () => {
    const tomorrow = nexts(policy({ differentialEvery: 'P1D' }), NOW)
    const fulls = spread.filter(
      (each) => nextBackup(policy({}), [full(NOW), differential(NOW)], each, NOW).type === 'full',
    )
    expect(tomorrow).toHaveLength(10_000)
    expect(fulls.length / 10_000).toBeCloseTo(1 / 7, 1)
  })
})

test('a window may go over midnight', () => {
  const some = policy({ window: { from: '22:00', to: '04:00' } })
  const isIn = (time: string) => isInWindow(some, `2026-11-23T${time}:00.000000Z`)
  expect(['21:59', '22:00', '23:59', '00:00', '03:59', '04:00'].map(isIn)).toEqual([
    false,
    true,
    true,
    true,
    true,
    false,
  ])
})
