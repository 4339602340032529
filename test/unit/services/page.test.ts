import fc from 'fast-check'
import { expect, test } from 'vitest'
import { idOfCursor, pageOf } from '../../../src/services/page.ts'

test('following the cursors gives every row once and in order, whatever the limit', () => {
  fc.assert(
    fc.property(fc.nat(20), fc.integer({ min: 1, max: 7 }), (count, limit) => {
      const rows = Array.from({ length: count }, (_, index) => ({
        id: `x_${String(index).padStart(2, '0')}`,
      }))
      const seen: string[] = []
      let after = ''
      for (;;) {
        const slice = { limit, after }
        const fetched = rows.filter((row) => row.id > after).slice(0, limit + 1)
        const page = pageOf(fetched, slice, (row) => row.id)
        seen.push(...page.data)
        if (page.nextCursor === null) break
        after = idOfCursor(page.nextCursor)
      }
      expect(seen).toEqual(rows.map((row) => row.id))
    }),
  )
})
