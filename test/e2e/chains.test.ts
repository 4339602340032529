import { basename } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addSeconds } from '../../src/domain/moment.ts'
import { createRestore, deleteAddon } from './client/sdk.gen.ts'
import { archiveSegment, serverBehind } from './support/server-files.ts'
import { archivedFiles } from './support/stored-files.ts'
import {
  aProtectedAddon,
  aTenant,
  clockOf,
  ok,
  query,
  restoredChild,
  untilFinished,
  untilProtected,
} from './support/stories.ts'
import { startUndrop, type Undrop } from './support/undrop.ts'

let undrop: Undrop
let tenantId: string
let parent: Awaited<ReturnType<typeof aProtectedAddon>>
beforeAll(async () => {
  undrop = await startUndrop()
  tenantId = await aTenant(undrop)
  parent = await aProtectedAddon(undrop, tenantId)
  await query(parent.login.url, `create table items (item text)`)
})
afterAll(() => undrop.remove())

/** Adds an item; returns a moment later than its commit and earlier than whatever comes next. */
async function add(url: string, item: string): Promise<string> {
  await query(url, `insert into items values ('${item}')`)
  return clockOf(url)
}

async function itemsIn(url: string): Promise<string[]> {
  const rows = await query<{ item: string }>(url, 'select item from items order by item')
  return rows.map(({ item }) => item)
}

test('a child can be restored once it is protected, to a moment of its own timeline', async () => {
  const child = await restoredChild(undrop, parent.id, { time: await add(parent.login.url, 'parent') })
  const { childAddonId } = child.restore
  const { url } = child.login
  const before = await itemsIn(url)

  const path = { addonId: childAddonId }
  const tooEarly = await createRestore({ client: undrop.client, path, body: { target: { latest: true } } })
  expect(tooEarly.response?.status).toBe(409)
  expect(tooEarly.error?.type).toMatch(/\/not-protected-yet$/)

  await untilProtected(undrop, childAddonId)
  const moment = await add(url, 'child')
  await add(url, 'too late')
  const grandchild = await restoredChild(undrop, childAddonId, { time: moment })
  expect(grandchild.restore.reached).toMatchObject({ exact: true, timeline: 3 })
  expect(await itemsIn(grandchild.login.url)).toEqual([...before, 'child'].sort())

  await untilProtected(undrop, grandchild.restore.childAddonId)
  const latest = await restoredChild(undrop, grandchild.restore.childAddonId, { latest: true })
  expect(latest.restore.reached).toMatchObject({ exact: true, timeline: 4 })
  expect(await itemsIn(latest.login.url)).toEqual([...before, 'child'].sort())
})

test('two restores of one parent at once both arrive, and nothing they write reaches the archive of the parent', async () => {
  const source = await serverBehind(undrop, tenantId, parent.login.url)
  const first = await add(parent.login.url, 'x')
  const second = await add(parent.login.url, 'y')
  const moments = [first, second]
  const children = await Promise.all(moments.map((time) => restoredChild(undrop, parent.id, { time })))
  const [one = [], other = []] = await Promise.all(children.map(({ login }) => itemsIn(login.url)))
  expect([one.includes('x'), one.includes('y'), other.includes('y')]).toEqual([true, false, true])

  const before = await archivedFiles(source)
  for (const { restore, login } of children) {
    await untilProtected(undrop, restore.childAddonId)
    await add(login.url, 'of a child')
    const server = await serverBehind(undrop, tenantId, login.url)
    expect(await archiveSegment(server)).toMatch(/^00000002/)
  }
  await add(parent.login.url, 'z')
  const own = await archiveSegment(source)
  const after = await archivedFiles(source)
  expect(after).toEqual(expect.arrayContaining(before))
  const added = after.filter((file) => !before.includes(file)).map((file) => basename(file))
  expect(added.map((name) => name.slice(0, 24))).toContain(own)
  expect(added.filter((name) => !/^00000001[0-9A-F]{16}-/.test(name))).toEqual([])
  expect(after.filter((file) => /\/00000002|\.history/.test(file))).toEqual([])

  const later = await restoredChild(undrop, parent.id, { latest: true })
  expect(later.restore.reached).toMatchObject({ exact: true, timeline: 2 })
  expect(await itemsIn(later.login.url)).toEqual(await itemsIn(parent.login.url))
})

test('a source cannot be deleted while it is being restored from', async () => {
  const { client } = undrop
  const path = { addonId: parent.id }
  // A restore to a moment that has yet to come cannot be over before it has come.
  const soon = addSeconds(await clockOf(parent.login.url), 2)
  const { id } = await ok(createRestore({ client, path, body: { target: { time: soon } } }))
  const { error, response } = await deleteAddon({ client, path })
  expect(response?.status).toBe(409)
  expect(error?.type).toMatch(/\/restore-in-progress$/)
  expect(await untilFinished(undrop, id)).toMatchObject({ status: 'succeeded' })
})
