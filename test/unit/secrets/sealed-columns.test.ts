import { expect, test } from 'vitest'
import { sealContext } from '../../../src/secrets/key-ring.ts'
import { sealedColumns } from '../../../src/secrets/sealed-columns.ts'

test('whatever is sealed is in a column that is sealed again when the master key changes', () => {
  const covered = new Set(sealedColumns.map(({ contextOf }) => contextOf('id')))
  expect([...covered].sort()).toEqual(
    Object.values(sealContext)
      .map((contextOf) => contextOf('id'))
      .sort(),
  )
})
