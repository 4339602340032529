import { describe, expect, test } from 'vitest'
import { hbaLocked, hbaServing, identMap } from '../../../src/postgres/access.ts'
import { isArchived } from '../../../src/postgres/anchor.ts'
import { parseControlData } from '../../../src/postgres/control-file.ts'
import { parseHistory } from '../../../src/postgres/history.ts'
import { parseSnapshots, parseTransactions } from '../../../src/postgres/waldump.ts'

describe('access', () => {
  test('locked admits our admin over the private socket and nobody else', () => {
    expect(hbaLocked()).toBe('local all undrop_admin peer map=undrop\n')
  })

  test('serving turns away our admin and replication before it admits anybody by password', () => {
    expect(hbaServing().split('\n')).toEqual([
      'local all undrop_admin peer map=undrop',
      'local all all scram-sha-256',
      'hostssl all undrop_admin all reject',
      'hostssl replication all all reject',
      'hostssl all all all scram-sha-256',
      '',
    ])
  })

  test('lets just the named operating-system users be our admin', () => {
    expect(identMap(['root', 'postgres'])).toBe(
      'undrop "root" undrop_admin\nundrop "postgres" undrop_admin\n',
    )
  })
})

test('a history file tells where each timeline ended, oldest first', () => {
  const text =
    '1\t0/3002190\tafter transaction 726\n\n# a comment\n2\t1A/F0000000\tno recovery target specified\n'
  expect(parseHistory(text)).toEqual([
    { timeline: 1, switchLsn: '0/3002190', reason: 'after transaction 726' },
    { timeline: 2, switchLsn: '1A/F0000000', reason: 'no recovery target specified' },
  ])
})

test('ends of transactions keep their microseconds and have LSNs as PostgreSQL prints them', () => {
  const record = 'rmgr: Transaction len (rec/tot):     34/    34, tx:'
  const text = [
    `${record}        726, lsn: 0/03002168, prev 0/03002128, desc: COMMIT 2026-11-23 14:19:16.153801 UTC`,
    `${record}        727, lsn: 0/06000028, prev 0/05000090, desc: ABORT 2026-11-23 14:19:21.855099 UTC`,
    `${record}          0, lsn: A/00000000, prev 9/05000090, desc: COMMIT_PREPARED 728: 2026-11-23 14:19:22 UTC; inval msgs: catcache 50`,
    `${record}        729, lsn: A/00000100, prev A/00000000, desc: ASSIGNMENT xtop 729: subxacts: 730`,
    'pg_waldump: error: error in WAL record at 0/7000028: invalid record length',
  ].join('\n')
  expect(parseTransactions(text)).toEqual([
    { lsn: '0/3002168', xid: '726', kind: 'commit', at: '2026-11-23T14:19:16.153801Z' },
    { lsn: '0/6000028', xid: '727', kind: 'abort', at: '2026-11-23T14:19:21.855099Z' },
    { lsn: 'A/0', xid: '728', kind: 'commit_prepared', at: '2026-11-23T14:19:22.000000Z' },
  ])
})

describe('the control file', () => {
  const TEXT = `Database system identifier:           7711371343086014438
Database cluster state:               in production
Latest checkpoint's TimeLineID:       3
wal_level setting:                    logical
max_connections setting:              150
max_worker_processes setting:         8
max_wal_senders setting:              10
max_prepared_xacts setting:           20
max_locks_per_xact setting:           64
`
  test('tells the limits its WAL was written under', () => {
    expect(parseControlData(TEXT)).toEqual({
      state: 'in production',
      systemIdentifier: '7711371343086014438',
      timeline: 3,
      walLevel: 'logical',
      maxConnections: 150,
      maxWorkerProcesses: 8,
      maxWalSenders: 10,
      maxPreparedTransactions: 20,
      maxLocksPerTransaction: 64,
    })
  })

  test('is refused when a line is missing', () => {
    expect(() => parseControlData(TEXT.replace(/^wal_level.*\n/m, ''))).toThrow('wal_level setting')
  })
})

test('a segment is archived once it or a later one of its timeline is', () => {
  const state = { lastArchivedAt: null, failedCount: 0, lastFailedSegment: null, lastFailedAt: null }
  const upTo = (lastArchivedSegment: string | null) => ({ ...state, lastArchivedSegment })
  const wanted = '000000020000000000000005'
  expect(isArchived(upTo(wanted), wanted)).toBe(true)
  expect(isArchived(upTo('000000020000000100000000'), wanted)).toBe(true)
  expect(isArchived(upTo('000000020000000000000004'), wanted)).toBe(false)
  expect(isArchived(upTo('000000010000000000000009'), wanted)).toBe(false)
  expect(isArchived(upTo(null), wanted)).toBe(false)
})

test('snapshots of running transactions are read from among other records', () => {
  const line = (text: string) =>
    `rmgr: Standby     len (rec/tot):     54/    54, tx:          0, lsn: 0/03000060, prev 0/03000028, desc: ${text}\n`
  const text =
    line('LOCK xid 741 db 5 rel 1259') +
    line('RUNNING_XACTS nextXid 743 latestCompletedXid 741 oldestRunningXid 740; 1 xacts: 740') +
    line('RUNNING_XACTS nextXid 744 latestCompletedXid 743 oldestRunningXid 744')
  expect(parseSnapshots(text)).toEqual([
    { nextXid: 743, oldestRunningXid: 740 },
    { nextXid: 744, oldestRunningXid: 744 },
  ])
})
