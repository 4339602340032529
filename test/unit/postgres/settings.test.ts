import { expect, test } from 'vitest'
import { postgresqlConf, recoverySettings } from '../../../src/postgres/settings.ts'

const recovery = { restoreCommand: 'get %f "%p"', timeline: 3, inclusive: true }

test('a server’s own settings win over defaults and lose to what Undrop relies on', () => {
  const settings = { max_connections: 150, log_statement: 'all', archive_mode: false }
  const lines = postgresqlConf({ settings, archiveCommand: '' }).split('\n')
  expect(lines).toContain("max_connections = '150'")
  expect(lines).toContain("log_statement = 'none'")
  expect(lines).toContain("archive_mode = 'on'")
  expect(lines).toContain("archive_command = ''")
})

test('quotes and backslashes in a value stay a part of it', () => {
  const text = postgresqlConf({ settings: {}, archiveCommand: `push '%p' \\ done` })
  expect(text).toContain(`archive_command = 'push ''%p'' \\\\ done'\n`)
})

test.each([[{ 'max_connections = 1\nfsync': 'off' }], [{ work_mem: "1'\nfsync = off" }]])(
  'nothing can add a line of its own: %j',
  (settings) => {
    expect(() => postgresqlConf({ settings, archiveCommand: '' })).toThrow(RangeError)
  },
)

test('a recovery follows one timeline by number, to the microsecond', () => {
  const text = recoverySettings({ ...recovery, target: { time: '2026-11-23T14:00:00.490322Z' } })
  expect(text).toContain("recovery_target_time = '2026-11-23 14:00:00.490322+00'\n")
  expect(text).toContain("recovery_target_timeline = '3'\n")
  expect(text).toContain("max_logical_replication_workers = '0'\n")
})

test.each([
  [{ lsn: '0/3002168' }, "recovery_target_lsn = '0/3002168'"],
  [{ xid: '741' }, "recovery_target_xid = '741'"],
  [{ name: 'rpt_x-1' }, "recovery_target_name = 'rpt_x-1'"],
])('a recovery has one target: %j', (target, line) => {
  const lines = recoverySettings({ ...recovery, target }).split('\n')
  expect(lines.filter((each) => /^recovery_target_(time|lsn|xid|name) /.test(each))).toEqual([line])
})

test('a recovery without a target has no target time', () => {
  expect(recoverySettings({ ...recovery, target: null })).not.toContain('recovery_target_time =')
})
