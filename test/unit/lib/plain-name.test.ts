import { expect, test } from 'vitest'
import { assertPlainName } from '../../../src/lib/plain-name.ts'

test.each(['srv_01kas0d8w8e5h9xw2c5a9t7b3k', 'backup-op_1', 'pgbackrest.conf', '_'])(
  '%s can name a file',
  (name) => {
    expect(assertPlainName(name)).toBe(name)
  },
)

test.each(['', '.', '..', '.hidden', '-rf', 'a/b', '../a', 'a b', 'a\0', 'a\n', 'ä'])('%j cannot', (name) => {
  expect(() => assertPlainName(name)).toThrow('cannot name a file')
})
