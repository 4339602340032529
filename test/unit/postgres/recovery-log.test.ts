import { describe, expect, test } from 'vitest'
import { readRecoveryLog } from '../../../src/postgres/recovery-log.ts'

const line = (writer: string, message: string) => `2026-11-23 14:52:50.189 UTC [8712] ${writer}: ${message}\n`
const startup = (message: string) => line('startup', `LOG:  ${message}`)
const fatal = (message: string, writer = 'startup') => line(writer, `FATAL:  ${message}`)

const REPLAYED = [
  line('postmaster', 'LOG:  starting PostgreSQL 15.18 on x86_64-pc-linux-gnu'),
  startup('starting point-in-time recovery to 2026-11-23 14:52:47.477402+00'),
  startup('restored log file "000000010000000000000002" from archive'),
  startup('redo starts at 0/2000028'),
  startup('restored log file "000000010000000000000003" from archive'),
  startup('consistent recovery state reached at 0/2000100'),
].join('')

const PROMOTED = [
  startup('recovery stopping before commit of transaction 725, time 2026-11-23 14:52:47.485554+00'),
  startup('redo done at 0/3016310 system usage: CPU: user: 0.00 s, system: 0.00 s, elapsed: 0.14 s'),
  startup('last completed transaction was at log time 2026-11-23 14:52:47.46+00'),
  startup('restored log file "000000010000000000000003" from archive'),
  startup('restored log file "00000002.history" from archive'),
  startup('selected new timeline ID: 2'),
  startup('archive recovery complete'),
  line('postmaster', 'LOG:  database system is ready to accept connections'),
].join('')

describe('the log of a recovery that reached its target', () => {
  test('tells where it stopped and what was replayed, with microseconds', () => {
    expect(readRecoveryLog(REPLAYED + PROMOTED)).toEqual({
      lastRestoredSegment: '000000010000000000000003',
      restoredSegments: 2,
      stopped: { side: 'before', xid: '725', at: '2026-11-23T14:52:47.485554Z' },
      lastCompletedTransactionAt: '2026-11-23T14:52:47.460000Z',
      redoDoneAt: '0/3016310',
      newTimeline: 2,
      ready: true,
      damage: null,
      failure: null,
      unread: '',
    })
  })

  test('is read to the same end wherever it was cut', () => {
    const text = REPLAYED + PROMOTED
    const whole = readRecoveryLog(text)
    for (let at = 0; at <= text.length; at += 7) {
      expect(readRecoveryLog(text.slice(at), readRecoveryLog(text.slice(0, at)))).toEqual(whole)
    }
  })

  test('is not ready while it replays, even if it accepts read-only connections', () => {
    const readOnly = line('postmaster', 'LOG:  database system is ready to accept read-only connections')
    expect(readRecoveryLog(REPLAYED + readOnly).ready).toBe(false)
  })
})

test('a stop after a transaction names the last one in', () => {
  const text = startup(
    'recovery stopping after commit of transaction 726, time 2026-11-23 14:19:16.153801+00',
  )
  expect(readRecoveryLog(text).stopped).toEqual({
    side: 'after',
    xid: '726',
    at: '2026-11-23T14:19:16.153801Z',
  })
})

test.each([
  ['before WAL location (LSN) "0/3016310"', { side: 'before', lsn: '0/3016310' }],
  ['after WAL location (LSN) "A/3016310"', { side: 'after', lsn: 'A/3016310' }],
  [
    'after abort of transaction 726, time 2026-11-23 14:19:16.153801+00',
    { side: 'after', xid: '726', at: '2026-11-23T14:19:16.153801Z' },
  ],
  [
    'at restore point "rpt_x-1", time 2026-11-23 14:19:16.153801+00',
    { side: 'after', name: 'rpt_x-1', at: '2026-11-23T14:19:16.153801Z' },
  ],
])('“recovery stopping %s” tells where it stopped', (where, stopped) => {
  expect(readRecoveryLog(startup(`recovery stopping ${where}`)).stopped).toEqual(stopped)
})

test.each([
  ['requested recovery stop point is before consistent recovery point', 'target-too-early'],
  ['recovery ended before configured recovery target was reached', 'ended-early'],
  ['WAL ends before end of online backup', 'wal-missing'],
  ['archive file "000000010000000000000003" has wrong size: 8192 instead of 16777216', 'wal-corrupt'],
  ['could not access file "pg_cron": No such file or directory', 'library-missing'],
  ['could not load library "/usr/lib/postgresql/15/lib/x.so": undefined symbol', 'library-missing'],
  ['maximum number of prepared transactions reached', 'settings-insufficient'],
  ['recovery aborted because of insufficient parameter settings', 'settings-insufficient'],
  ['could not locate required checkpoint record', 'checkpoint-missing'],
  ["requested timeline 3 is not a child of this server's history", 'other'],
] as const)('“%s” is the failure %s', (text, kind) => {
  expect(readRecoveryLog(REPLAYED + fatal(text)).failure).toEqual({ kind, text })
})

test('the first failure counts, as the others follow from it', () => {
  const text =
    fatal('could not access file "pg_cron": No such file or directory', 'postmaster') + fatal('aborting')
  expect(readRecoveryLog(text).failure?.kind).toBe('library-missing')
})

test('what sessions log is no part of recovery', () => {
  const text =
    fatal('the database system is starting up', 'client backend') +
    fatal('password authentication failed for user "x"', 'client backend') +
    line(
      'client backend',
      'LOG:  recovery stopping before commit of transaction 1, time 2020-01-01 00:00:00+00',
    )
  expect(readRecoveryLog(text)).toMatchObject({ failure: null, stopped: null })
})

test('a line of a longer message cannot pass for the server’s own', () => {
  const forged = startup('database system is ready to accept connections').replace('startup', 'postmaster')
  expect(readRecoveryLog(`${line('client backend', 'ERROR:  first')}\t${forged}`).ready).toBe(false)
})

test('a record that fails its check is damage, and the end of written WAL is not', () => {
  expect(readRecoveryLog(startup('invalid record length at 0/4000090: wanted 24, got 0')).damage).toBeNull()
  const damaged = 'incorrect resource manager data checksum in record at 0/3016310'
  expect(readRecoveryLog(startup(damaged)).damage).toBe(damaged)
})

test('a store that does not answer is no end of WAL', () => {
  const text = fatal(
    'could not restore file "000000010000000000000003" from archive: child process exited with exit code 254',
  )
  expect(readRecoveryLog(REPLAYED + text).failure?.kind).toBe('archive-unreachable')
})
