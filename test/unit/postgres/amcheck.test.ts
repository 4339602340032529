import { expect, test } from 'vitest'
import { damagedRelations } from '../../../src/postgres/amcheck.ts'

test('no damage is found when pg_amcheck says so', () => {
  expect(damagedRelations({ exitCode: 0, stdoutTail: '' })).toBe(0)
})

test('each damaged table and index counts once', () => {
  const stdoutTail = `heap table "app.public.items", block 3, offset 12, attribute 1:
    attribute with length 4294967295 ends at offset 50 beyond total tuple length 37
heap table "app.public.items", block 4, offset 1:
    line pointer redirection to item at offset 99 exceeds maximum offset 20
btree index "app.public.items_pkey":
    ERROR:  item order invariant violated for index "items_pkey"
`
  expect(damagedRelations({ exitCode: 2, stdoutTail })).toBe(2)
  expect(damagedRelations({ exitCode: 2, stdoutTail: '' })).toBe(1)
})

test('a check that could not be made says nothing', () => {
  expect(damagedRelations({ exitCode: 1, stdoutTail: '' })).toBeNull()
  expect(damagedRelations({ exitCode: null, stdoutTail: '' })).toBeNull()
})
