import { afterAll, beforeAll, expect, test } from 'vitest'
import { aProtectedAddon, aTenant, clockOf, query, restoredChild } from './support/stories.ts'
import { startUndrop, type Undrop } from './support/undrop.ts'

let undrop: Undrop
beforeAll(async () => {
  undrop = await startUndrop()
})
afterAll(() => undrop.remove())

test('a dropped table is back on a child, and the parent is as it was', async () => {
  const { id, login } = await aProtectedAddon(undrop, await aTenant(undrop))
  await query(login.url, `create table customers as select n from generate_series(1, 5) as n`)
  const before = await clockOf(login.url)
  await query(login.url, 'drop table customers')

  const child = await restoredChild(undrop, id, { time: before })
  expect(await query(child.login.url, 'select n from customers order by n')).toEqual(
    [1, 2, 3, 4, 5].map((n) => ({ n })),
  )
  expect(child.restore.reached).toMatchObject({ exact: true, timeline: 2 })
  await expect(query(login.url, 'table customers')).rejects.toThrow('does not exist')
})
