import { expect, test } from 'vitest'
import { walBytesSince } from '../../../src/domain/wal-since.ts'

const MIB = 1024 * 1024

test('WAL since a backup goes from its end to the end of the last archived segment', () => {
  expect(walBytesSince('0/3000000', 1, '000000010000000000000003')).toBe(16 * MIB)
  expect(walBytesSince('0/3800000', 1, '000000010000000000000005')).toBe(40 * MIB)
  expect(walBytesSince('0/9000000', 1, '000000010000000000000003')).toBe(0)
  expect(walBytesSince('1/0', 1, '000000010000000100000000')).toBe(16 * MIB)
})

test('it is not known without an end, without an archive, and on another timeline', () => {
  expect(walBytesSince(null, 1, '000000010000000000000003')).toBeNull()
  expect(walBytesSince('0/3000000', null, '000000010000000000000003')).toBeNull()
  expect(walBytesSince('0/3000000', 1, null)).toBeNull()
  expect(walBytesSince('0/3000000', 1, '000000020000000000000003')).toBeNull()
})
