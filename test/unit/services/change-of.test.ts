import { expect, test } from 'vitest'
import { changeOf } from '../../../src/services/change-of.ts'

test('a change is what differs, as it was and as it became', () => {
  const before = { name: 'shop', labels: { app: 'shop' }, port: 1 }
  const after = { name: 'shop', labels: { app: 'store' }, port: 1, added: true }
  expect(changeOf(before, after)).toEqual({
    before: { labels: { app: 'shop' }, added: null },
    after: { labels: { app: 'store' }, added: true },
  })
})
