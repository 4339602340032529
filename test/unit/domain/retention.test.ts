import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DEFAULT_POLICY } from '../../../src/domain/backup-policy.ts'
import { addSeconds, type Moment, secondsBetween } from '../../../src/domain/moment.ts'
import { type FullBackup, fullsToKeep, retentionNow } from '../../../src/domain/retention.ts'

const DAY = 86_400
/** Longer apart than that, two full backups of the default policy may have a jump of the clock between them. */
const STEADY_SECONDS = 15 * DAY
const START: Moment = '2026-01-01T00:00:00.000000Z'
const at = (days: number) => addSeconds(START, days * DAY)
const fullsAt = (...days: number[]): FullBackup[] =>
  days.map((day) => ({ label: `full ${day}`, stoppedAt: at(day), usable: true }))
const policy = (retentionDays: number, retentionFulls: number) => ({
  ...DEFAULT_POLICY,
  retentionDays,
  retentionFulls,
})

describe('of the full backups are kept', () => {
  test('the newest that was complete before the days to be restored to, and all after it', () => {
    expect(fullsToKeep(fullsAt(0, 7, 14, 21), policy(7, 1), at(21))).toBe(3)
    expect(fullsToKeep(fullsAt(0, 7, 14, 21), policy(7, 1), addSeconds(at(21), 1))).toBe(2)
    expect(fullsToKeep(fullsAt(0, 7, 13.5, 21), policy(7, 1), at(21))).toBe(2)
    expect(fullsToKeep(fullsAt(0, 7, 14.5, 21), policy(7, 1), at(21))).toBe(3)
  })

  test('at least so many, however old', () => {
    expect(fullsToKeep(fullsAt(0, 1, 2, 3), policy(1, 3), at(300))).toBe(3)
    expect(fullsToKeep(fullsAt(0, 1, 2, 3), policy(1, 9), at(300))).toBe(4)
  })

  test('all while none was complete before those days', () => {
    expect(fullsToKeep(fullsAt(5, 6), policy(7, 1), at(6))).toBe(2)
    expect(fullsToKeep([], policy(7, 1), at(6))).toBe(0)
  })

  test('all that can be restored from, with those that cannot between them', () => {
    const damaged = fullsAt(0, 1, 2, 3).map((full, index) => ({ ...full, usable: index !== 2 }))
    expect(fullsToKeep(damaged, policy(1, 1), at(3.5))).toBe(3)
    expect(fullsToKeep(damaged, policy(1, 2), at(300))).toBe(3)
    expect(fullsToKeep(damaged, policy(1, 1), at(300))).toBe(1)
    expect(
      fullsToKeep(
        damaged.map((full) => ({ ...full, usable: false })),
        policy(1, 1),
        at(300),
      ),
    ).toBe(4)
  })
})

describe('whatever happens', () => {
  interface Backup extends FullBackup {
    /** When the differential ones upon it have stopped. */
    differentials: Moment[]
  }
  const events = fc.array(
    fc.record({
      hoursLater: fc.integer({ min: 1, max: 24 * 12 }),
      what: fc.constantFrom(
        'full',
        'full',
        'differential',
        'differential',
        'full with errors',
        'failure',
        'damage',
      ),
      policy: fc.option(
        fc.record({
          retentionDays: fc.integer({ min: 1, max: 40 }),
          retentionFulls: fc.integer({ min: 1, max: 6 }),
        }),
        { freq: 6 },
      ),
      which: fc.nat(9),
    }),
    { minLength: 1, maxLength: 60 },
  )

  const earliestOf = (backups: readonly Backup[]): Moment | null =>
    backups
      .filter(({ usable }) => usable)
      .flatMap(({ stoppedAt, differentials }) => [stoppedAt, ...differentials])
      .sort()[0] ?? null

  test('what is promised stays restorable, so many stay, and storage is bounded', () => {
    fc.assert(
      fc.property(events, (history) => {
        let backups: Backup[] = []
        let now = START
        let current = policy(7, 2)
        for (const { hoursLater, what, policy: changed, which } of history) {
          now = addSeconds(now, hoursLater * 3600)
          if (changed !== null) current = { ...current, ...changed }
          const newest = backups.at(-1)
          const chosen = backups[which]
          if (what === 'damage' && chosen !== undefined) chosen.usable = false
          else if (what === 'differential' && newest?.usable === true) newest.differentials.push(now)
          else if (what === 'full' || what === 'full with errors')
            backups.push({ label: now, stoppedAt: now, usable: what === 'full', differentials: [] })
          const kept = fullsToKeep(backups, current, now)
          const left = kept === 0 ? [] : backups.slice(-kept)

          const cutoff = addSeconds(now, -current.retentionDays * DAY)
          const [before, after] = [earliestOf(backups), earliestOf(left)]
          if (before !== null) expect(after !== null && (after <= before || after <= cutoff)).toBe(true)
          const usable = (some: readonly Backup[]) => some.filter((each) => each.usable)
          expect(usable(left).length).toBeGreaterThanOrEqual(
            Math.min(current.retentionFulls, usable(backups).length),
          )
          const young = usable(backups).filter(({ stoppedAt }) => addSeconds(stoppedAt, 1) > cutoff)
          const isSteady = backups.every(({ stoppedAt }, index) => {
            const before = backups[index - 1]?.stoppedAt ?? stoppedAt
            return secondsBetween(before, stoppedAt) <= STEADY_SECONDS
          })
          if (isSteady)
            expect(usable(left).length).toBeLessThanOrEqual(
              Math.max(current.retentionFulls, young.length + 1),
            )
          backups = left
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('when the clock jumps', () => {
  const daily = (retentionDays: number, retentionFulls: number) => ({
    ...policy(retentionDays, retentionFulls),
    fullEvery: 'P1D',
  })
  const kept = (fulls: readonly FullBackup[], clock: Moment, current = daily(7, 2)) => {
    const now = retentionNow(fulls, clock)
    return now === null ? fulls.length : fullsToKeep(fulls, current, now)
  }

  test('one full backup that is stamped five weeks ahead costs none', () => {
    const days = Array.from({ length: 12 }, (_, day) => day)
    expect(kept(fullsAt(...days), at(11.5))).toBe(9)
    expect(kept(fullsAt(...days.slice(0, 11), 46), at(11.5))).toBe(12)
    // No time is counted for the jump.
    expect(kept(fullsAt(...days.slice(0, 11), 46), at(46.5))).toBe(10)
  })

  test('the newest backup is the clock, as far as that of the metadata has come', () => {
    expect(retentionNow([], at(1))).toBeNull()
    expect(retentionNow(fullsAt(0, 3), at(9))).toBe(at(3))
    expect(retentionNow(fullsAt(0, 3), addSeconds(at(3), -60))).toBe(addSeconds(at(3), -60))
    expect(retentionNow(fullsAt(0, 3), at(2))).toBeNull()
  })

  test('nothing is lost that is kept without the jump, whenever and wherever it jumps', () => {
    const history = fc.record({
      hours: fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 2, maxLength: 40 }),
      jumps: fc.array(
        fc.record({
          before: fc.nat(39),
          days: fc.oneof(fc.integer({ min: 4, max: 400 }), fc.integer({ min: -400, max: -4 })),
        }),
        { minLength: 1, maxLength: 3 },
      ),
      retentionDays: fc.integer({ min: 1, max: 40 }),
      retentionFulls: fc.integer({ min: 1, max: 6 }),
      unusable: fc.array(fc.nat(39), { maxLength: 5 }),
      metadataJumpsToo: fc.boolean(),
    })
    fc.assert(
      fc.property(history, (drawn) => {
        const current = daily(drawn.retentionDays, drawn.retentionFulls)
        let [real, shown] = [at(1000), at(1000)]
        const [steady, jumping]: [FullBackup[], FullBackup[]] = [[], []]
        for (const [index, hours] of drawn.hours.entries()) {
          const jump = drawn.jumps.find(({ before }) => before === index)
          real = addSeconds(real, hours * 3600)
          shown = addSeconds(shown, hours * 3600 + (jump?.days ?? 0) * DAY)
          const full = { label: String(index), usable: !drawn.unusable.includes(index) }
          steady.push({ ...full, stoppedAt: real })
          jumping.push({ ...full, stoppedAt: shown })
          const without = kept(steady, real, current)
          expect(kept(jumping, drawn.metadataJumpsToo ? shown : real, current)).toBeGreaterThanOrEqual(
            without,
          )
        }
      }),
      { numRuns: 500 },
    )
  })
})
