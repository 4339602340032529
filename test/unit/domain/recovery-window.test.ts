import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addSeconds, type Moment } from '../../../src/domain/moment.ts'
import { Problem } from '../../../src/domain/problem.ts'
import { type ArchiveFacts, assertRestorable, recoveryWindow } from '../../../src/domain/recovery-window.ts'

const NOW: Moment = '2026-11-23T14:00:00.500000Z'
const STOPPED: Moment = '2026-11-23T13:00:00.000000Z'
const EARLIEST: Moment = '2026-11-23T13:00:01.000000Z'

const facts: ArchiveFacts = {
  status: 'available',
  protection: 'protected',
  backups: [{ timeline: 1, stoppedAt: STOPPED }],
  lastCommit: '2026-11-23T13:30:00.000001Z',
  lag: { seconds: 20, observedAt: '2026-11-23T13:59:20.500000Z' },
  gaps: [],
}

const CLOSED = {
  afterSegment: '000000010000000000000004',
  beforeSegment: '000000010000000000000006',
  missingSegments: 1,
  from: '2026-11-23T13:10:00.000000Z',
  to: '2026-11-23T13:20:01.000000Z',
}
const OPEN = {
  ...CLOSED,
  afterSegment: '000000010000000000000008',
  beforeSegment: null,
  from: '2026-11-23T13:40:00.000000Z',
  to: null,
}

describe('the recovery window', () => {
  test('opens a second after the oldest backup stopped, which may have run to the end of that second', () => {
    const later = { timeline: 1, stoppedAt: '2026-11-23T13:10:00.000000Z' }
    expect(recoveryWindow({ ...facts, backups: [later, ...facts.backups] }, NOW).earliest).toBe(EARLIEST)
  })

  test('reaches to now while the add-on is available', () => {
    expect(recoveryWindow(facts, NOW)).toMatchObject({ latest: NOW, archiveLagSeconds: 60, observedAt: NOW })
  })

  test('reaches to the last archived commit when there is no server to ask for more', () => {
    expect(recoveryWindow({ ...facts, status: 'failed' }, NOW).latest).toBe(facts.lastCommit)
  })

  test('reaches no further than the last archived commit while archiving is stalled', () => {
    expect(recoveryWindow({ ...facts, protection: 'stalled' }, NOW).latest).toBe(facts.lastCommit)
  })

  test('reaches no further than WAL that is missing and that no backup has made up for', () => {
    expect(recoveryWindow({ ...facts, gaps: [CLOSED, OPEN] }, NOW).latest).toBe(OPEN.from)
    expect(recoveryWindow({ ...facts, gaps: [CLOSED] }, NOW).latest).toBe(NOW)
    const stalled = recoveryWindow({ ...facts, protection: 'stalled', gaps: [OPEN] }, NOW)
    expect(stalled.latest).toBe(facts.lastCommit)
  })

  test('is closed until there is a complete backup', () => {
    const window = recoveryWindow({ ...facts, backups: [] }, NOW)
    expect(window).toMatchObject({ earliest: null, latest: null, histories: [] })
  })

  test('tells from when on each timeline can be restored', () => {
    const second = { timeline: 2, stoppedAt: '2026-11-23T13:20:00.000000Z' }
    expect(recoveryWindow({ ...facts, backups: [second, ...facts.backups] }, NOW).histories).toEqual([
      { timeline: 1, from: EARLIEST },
      { timeline: 2, from: '2026-11-23T13:20:01.000000Z' },
    ])
  })
})

function verdict(time: Moment): string {
  try {
    assertRestorable({ time }, recoveryWindow(facts, NOW), NOW)
    return 'accepted'
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    expect(error.extensions).toEqual({ earliest: EARLIEST, latest: NOW })
    return error.code
  }
}

describe('a target', () => {
  test.each([
    ['2026-11-23T12:59:59.000000Z', 'target-before-window'],
    ['2026-11-23T13:00:00.000000Z', 'target-before-window'],
    ['2026-11-23T13:00:00.999999Z', 'target-before-window'],
    ['2026-11-23T13:00:01.000000Z', 'accepted'],
    ['2026-11-23T14:00:05.500000Z', 'accepted'],
    ['2026-11-23T14:00:05.500001Z', 'target-in-future'],
  ])('at %s is %s', (time, expected) => {
    expect(verdict(time)).toBe(expected)
  })

  test('anywhere inside the window is accepted, and nowhere outside', () => {
    fc.assert(
      fc.property(fc.integer({ min: -7200, max: 7200 }), (seconds) => {
        const time = addSeconds(NOW, seconds)
        expect(verdict(time) === 'accepted').toBe(time >= EARLIEST && seconds <= 5)
      }),
    )
  })

  test('of latest needs a complete backup and nothing else', () => {
    expect(() => assertRestorable({ latest: true }, recoveryWindow(facts, NOW), NOW)).not.toThrow()
    const empty = recoveryWindow({ ...facts, backups: [] }, NOW)
    expect(() => assertRestorable({ latest: true }, empty, NOW)).toThrow('no complete backup')
  })
})

describe('a target beside a gap', () => {
  const window = recoveryWindow({ ...facts, gaps: [CLOSED, OPEN] }, NOW)
  const answer = (target: Parameters<typeof assertRestorable>[0]) => {
    try {
      assertRestorable(target, window, NOW)
      return null
    } catch (error) {
      return error instanceof Problem ? [error.code, error.extensions['gap']] : error
    }
  }

  test.each([
    ['2026-11-23T13:10:00.000000Z', null],
    ['2026-11-23T13:10:00.000001Z', CLOSED],
    ['2026-11-23T13:20:00.999999Z', CLOSED],
    ['2026-11-23T13:20:01.000000Z', null],
    ['2026-11-23T13:40:00.000000Z', null],
    ['2026-11-23T13:40:00.000001Z', OPEN],
    [NOW, OPEN],
  ])('at %s is refused only inside, with the gap', (time, gap) => {
    expect(answer({ time })).toEqual(gap === null ? null : ['target-in-gap', gap])
  })

  test('of latest is refused while the last gap is open', () => {
    expect(answer({ latest: true })).toEqual(['target-in-gap', OPEN])
    expect(() =>
      assertRestorable({ latest: true }, recoveryWindow({ ...facts, gaps: [CLOSED] }, NOW), NOW),
    ).not.toThrow()
  })
})
