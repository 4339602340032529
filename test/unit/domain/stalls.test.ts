import { describe, expect, test } from 'vitest'
import { backupIsOverdue, stallsOfArchive } from '../../../src/domain/archive-stalls.ts'
import { DEFAULT_POLICY } from '../../../src/domain/backup-policy.ts'
import { addSeconds } from '../../../src/domain/moment.ts'
import { Problem } from '../../../src/domain/problem.ts'
import { type ServerObservation, stallsOfServer } from '../../../src/domain/server-stalls.ts'
import { archiveFollows, stallsAfter, worstStall } from '../../../src/domain/stalls.ts'

const NOW = '2026-11-23T14:00:00.000000Z'
const DAY = 86_400
const ago = (seconds: number) => addSeconds(NOW, -seconds)
const GIB = 2 ** 30

const healthy: ServerObservation = {
  archiver: {
    lastArchivedSegment: '000000010000000000000004',
    lastArchivedAt: ago(3600),
    lastFailedAt: null,
  },
  waiting: { oldestSeconds: 0, bytes: 0 },
  disk: { totalBytes: 100 * GIB, freeBytes: 50 * GIB },
  now: NOW,
}
const codesOf = (seen: Partial<ServerObservation>) =>
  stallsOfServer({ ...healthy, ...seen }).found.map(({ code }) => code)

describe('a server', () => {
  test('that is idle is not stalled', () => {
    expect(codesOf({})).toEqual([])
  })

  test('whose archiver has only failed for a minute is archiving-failing', () => {
    const failing = { ...healthy.archiver, lastFailedAt: ago(1) }
    expect(codesOf({ archiver: failing, waiting: { oldestSeconds: 61, bytes: GIB } })).toEqual([
      'archiving-failing',
    ])
    expect(codesOf({ archiver: failing, waiting: { oldestSeconds: 59, bytes: GIB } })).toEqual([])
    const goesOn = { ...failing, lastArchivedAt: ago(2) }
    expect(codesOf({ archiver: goesOn, waiting: { oldestSeconds: 61, bytes: GIB } })).toEqual([])
  })

  test('that has forgotten what it archived is not stalled by its first failure', () => {
    const archiver = { lastArchivedSegment: null, lastArchivedAt: null, lastFailedAt: ago(1) }
    expect(codesOf({ archiver, waiting: { oldestSeconds: 5, bytes: GIB } })).toEqual([])
  })

  test('whose WAL waits for long is archive-lagging, although archiving goes on', () => {
    expect(codesOf({ waiting: { oldestSeconds: 121, bytes: GIB } })).toEqual(['archive-lagging'])
  })

  test.each([
    ['a tenth of the disk is left', 9 * GIB, GIB, ['disk-filling']],
    ['less than three times the WAL that waits is left', 29 * GIB, 10 * GIB, ['disk-filling']],
    ['there is room', 31 * GIB, 10 * GIB, []],
  ])('whose WAL waits while %s', (_what, freeBytes, bytes, codes) => {
    const disk = { totalBytes: 100 * GIB, freeBytes }
    expect(codesOf({ disk, waiting: { oldestSeconds: 60, bytes } })).toEqual(codes)
  })

  test('on a full disk is not stalled while its WAL is archived', () => {
    expect(codesOf({ disk: { totalBytes: 100 * GIB, freeBytes: 1 } })).toEqual([])
  })
})

describe('an archive', () => {
  const rows = { gaps: [], nextBackupAt: null, lastBackupAt: ago(3600), policy: DEFAULT_POLICY }

  test('is unreachable in the words of the problem, and of no other error', () => {
    const refused = new Problem('archive-unreachable', { detail: 'Listing is not allowed.' })
    expect(stallsOfArchive(rows, refused, NOW).found).toEqual([
      { code: 'archive-unreachable', detail: 'Listing is not allowed.' },
    ])
    const [found] = stallsOfArchive(rows, new Error('10.0.0.7 refused'), NOW).found
    expect(found?.detail).toBe('The archive cannot be reached')
  })

  test('has a gap until a later backup makes up for it', () => {
    const gap = { afterSegment: 'A', beforeSegment: 'C', missingSegments: 1, from: ago(60), to: null }
    const codes = (to: string | null) =>
      stallsOfArchive({ ...rows, gaps: [{ ...gap, to }] }, null, NOW).found.map(({ code }) => code)
    expect(codes(null)).toEqual(['wal-gap'])
    expect(codes(NOW)).toEqual([])
  })

  test.each([
    ['the last backup is older than two periods', { lastBackupAt: ago(2 * DAY + 1) }, true],
    ['it is not', { lastBackupAt: ago(2 * DAY - 1) }, false],
    ['the planned one is late by a period', { nextBackupAt: ago(DAY + 1) }, true],
    ['it is not that late', { nextBackupAt: ago(DAY - 1) }, false],
  ])('is overdue for a backup when %s', (_what, change, overdue) => {
    expect(backupIsOverdue({ ...rows, ...change }, NOW)).toBe(overdue)
  })

  test('that is backed up in a window only is not overdue outside of it', () => {
    const policy = { ...DEFAULT_POLICY, fullEvery: 'PT1H', window: { from: '01:00', to: '02:00' } }
    expect(backupIsOverdue({ ...rows, policy, lastBackupAt: ago(23 * 3600) }, NOW)).toBe(false)
    expect(
      backupIsOverdue({ ...rows, policy: { ...policy, window: null }, lastBackupAt: ago(7201) }, NOW),
    ).toBe(true)
  })
})

describe('stalls', () => {
  const lagging = { code: 'archive-lagging', detail: 'late' } as const

  test('keep the moment they began at, and an observer ends only what it covers', () => {
    const before = stallsAfter({}, { covers: ['archive-lagging'], found: [lagging] }, ago(60))
    const after = stallsAfter(before, { covers: ['archive-lagging'], found: [lagging] }, NOW)
    expect(after).toEqual({ 'archive-lagging': { detail: 'late', since: ago(60) } })
    expect(stallsAfter(after, { covers: ['wal-gap'], found: [] }, NOW)).toEqual(after)
    expect(stallsAfter(after, { covers: ['archive-lagging'], found: [] }, NOW)).toEqual({})
  })

  test('show the worst', () => {
    const detail = { detail: '', since: NOW }
    expect(worstStall({ 'backup-overdue': detail, 'server-lost': detail })?.code).toBe('server-lost')
    expect(worstStall({})).toBeNull()
  })

  test('that only endanger what comes later leave every moment up to now restorable', () => {
    const detail = { detail: '', since: NOW }
    expect(archiveFollows({ 'backup-overdue': detail, 'disk-filling': detail })).toBe(true)
    expect(archiveFollows({ 'backup-overdue': detail, 'archiving-failing': detail })).toBe(false)
  })
})
