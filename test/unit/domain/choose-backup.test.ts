import { describe, expect, test } from 'vitest'
import { assertAfterBackup, chooseBackupBefore } from '../../../src/domain/choose-backup.ts'

const backup = (label: string, stopLsn: string, minute: string) => ({
  label,
  timeline: 1,
  stopLsn,
  stoppedAt: `2026-11-23T13:${minute}:00.000000Z`,
})
const backups = [backup('one', '0/3000100', '00'), backup('two', 'A/3000100', '10')]

describe('the base of a restore to a place in WAL', () => {
  test.each([
    ['0/30000FF', undefined],
    ['0/3000100', 'one'],
    ['9/FF000000', 'one'],
    ['A/3000100', 'two'],
    ['B/0', 'two'],
  ])('for %s is the newest backup that has stopped before it: %s', (lsn, label) => {
    expect(chooseBackupBefore(backups, lsn)?.label).toBe(label)
  })

  test('has to be there: what is before all backups is refused with where the first one stops', () => {
    const stops = backups.map(({ stopLsn }) => stopLsn).reverse()
    expect(() => assertAfterBackup('0/3000100', stops)).not.toThrow()
    expect(() => assertAfterBackup('0/30000FF', stops)).toThrow(
      expect.objectContaining({ code: 'target-before-window', extensions: { earliestLsn: '0/3000100' } }),
    )
  })
})
