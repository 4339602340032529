import { describe, expect, test } from 'vitest'
import {
  chooseBase,
  diskBytesFor,
  estimateRestore,
  type PlannedBase,
  reaches,
  type TargetPlace,
} from '../../../src/domain/restore-plan.ts'

const AT = '2026-11-23T13:30:00.000000Z'

const placeOf = (given: Partial<TargetPlace>): TargetPlace => ({
  time: null,
  lsn: null,
  isEnd: false,
  ...given,
})

const base = (label: string, stoppedAt: string, stopLsn: string): PlannedBase => ({
  ...{ id: label, type: 'full', label, timeline: 1, sizeBytes: 1000 },
  ...{ startSegment: '000000010000000000000003', stoppedAt, stopLsn },
})
const bases = [
  base('first', '2026-11-23T13:00:00.000000Z', '0/3000100'),
  base('second', '2026-11-23T13:20:00.000000Z', '0/5000100'),
]

describe('the base of a plan', () => {
  test.each([
    [{ time: '2026-11-23T13:20:00.999999Z' }, 'first'],
    [{ time: AT }, 'second'],
    [{ isEnd: true }, 'second'],
    [{ lsn: '0/50000FF' }, 'first'],
    [{ lsn: '0/5000100' }, 'second'],
    [{ lsn: '0/3000000' }, undefined],
  ] as const)('for %j is %s', (target, label) => {
    expect(chooseBase(bases, placeOf(target))?.label).toBe(label)
  })
})

describe('no more WAL is needed', () => {
  const SEGMENT = '000000010000000000000004'
  test('after the first segment that was stored at the target or later', () => {
    expect(reaches(placeOf({ time: AT }), SEGMENT, '2026-11-23T13:29:59.999999Z')).toBe(false)
    expect(reaches(placeOf({ time: AT }), SEGMENT, AT)).toBe(true)
  })

  test('after the segment of an LSN', () => {
    expect(reaches(placeOf({ lsn: '0/4FFFFFF' }), SEGMENT, AT)).toBe(true)
    expect(reaches(placeOf({ lsn: '0/5000000' }), SEGMENT, AT)).toBe(false)
  })

  test('never, when all of it is wanted', () => {
    expect(reaches(placeOf({ isEnd: true }), SEGMENT, AT)).toBe(false)
  })
})

test('an estimate says when it rests on assumptions, in whole or in part', () => {
  expect(estimateRestore(100e6, 16, {})).toEqual({
    estimatedSeconds: { fetching: 2, replaying: 2, other: 3, total: 7 },
    basis: 'assumed',
  })
  expect(estimateRestore(100e6, 16, { fetch_bytes_per_second: 100e6 })).toMatchObject({
    estimatedSeconds: { fetching: 1 },
    basis: 'assumed',
  })
  const rates = {
    fetch_bytes_per_second: 100e6,
    replay_segments_per_second: 4,
    restore_other_seconds: 0.55,
  }
  expect(estimateRestore(100e6, 16, rates)).toEqual({
    estimatedSeconds: { fetching: 1, replaying: 4, other: 0.6, total: 5.6 },
    basis: 'measured',
  })
})

test('a restore takes the base, the WAL that waits to be replayed, 2 GiB of it at most, and a tenth', () => {
  const GIB = 1024 ** 3
  expect(diskBytesFor(GIB, 0)).toBe(Math.ceil(1.1 * GIB))
  expect(diskBytesFor(GIB, 64)).toBe(Math.ceil(1.1 * 2 * GIB))
  expect(diskBytesFor(GIB, 10_000)).toBe(Math.ceil(1.1 * 3 * GIB))
})
