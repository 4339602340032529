import { afterAll, beforeAll, expect, test } from 'vitest'
import { addSeconds } from '../../src/domain/moment.ts'
import { getRecoveryWindow } from './client/sdk.gen.ts'
import { asAdmin } from './support/admin.ts'
import { archiveSegment, crash, lose, serverBehind } from './support/server-files.ts'
import { aProtectedAddon, aTenant, clockOf, ok, query, restoredChild, until } from './support/stories.ts'
import { startUndrop, type Undrop } from './support/undrop.ts'

let undrop: Undrop
let tenantId: string
let idle: Source
let lost: Source

beforeAll(async () => {
  undrop = await startUndrop()
  tenantId = await aTenant(undrop)
  ;[idle, lost] = await Promise.all([aSource('idle'), aSource('lost')])
})
afterAll(() => undrop.remove())

type Source = Awaited<ReturnType<typeof aSource>>

/** An add-on with an empty table of items, which its first backup does not have yet. */
async function aSource(name: string) {
  const { id, login } = await aProtectedAddon(undrop, tenantId, name)
  await query(login.url, 'create table items (item text)')
  return { id, url: login.url, server: await serverBehind(undrop, tenantId, login.url) }
}

/** Adds an item; returns a moment later than its commit and earlier than whatever comes next. */
async function add({ url }: Source, item: string): Promise<string> {
  await query(url, `insert into items values ('${item}')`)
  return clockOf(url)
}

async function restored({ id }: Source, target: { time: string } | { latest: true }) {
  const { restore, login } = await restoredChild(undrop, id, target)
  const [{ exists } = { exists: false }] = await query<{ exists: boolean }>(
    login.url,
    `select to_regclass('items') is not null as exists`,
  )
  if (!exists) return { reached: restore.reached, items: null }
  const rows = await query<{ item: string }>(login.url, 'select item from items order by item')
  return { reached: restore.reached, items: rows.map(({ item }) => item) }
}

test('on an idle database the earliest moment, one between WAL switches, a second ago, now and the latest are all reached', async () => {
  await add(idle, 'a')
  await archiveSegment(idle.server)
  const between = await add(idle, 'b')
  await archiveSegment(idle.server)
  const last = await add(idle, 'c')
  const { earliest } = await ok(getRecoveryWindow({ client: undrop.client, path: { addonId: idle.id } }))
  const twoSecondsLater = async () => (await clockOf(idle.url)) > addSeconds(last, 2)
  await until(twoSecondsLater, 'the database to have been idle')
  const now = await clockOf(idle.url)

  const targets = [{ time: addSeconds(now, -1) }, { time: now }, { latest: true }] as const
  const [early, middle, ...late] = await Promise.all(
    [{ time: earliest ?? '' }, { time: between }, ...targets].map((target) => restored(idle, target)),
  )
  const reached = { exact: true, reason: null }
  expect(early).toMatchObject({ reached, items: null })
  expect(middle).toMatchObject({ reached, items: ['a', 'b'] })
  expect(late).toHaveLength(3)
  for (const each of late) expect(each).toMatchObject({ reached, items: ['a', 'b', 'c'] })
})

test('a moment that has yet to come is waited for and reached', async () => {
  const soon = addSeconds(await clockOf(idle.url), 2)
  const coming = restored(idle, { time: soon })
  await add(idle, 'd')
  const { reached, items } = await coming
  expect(reached).toMatchObject({ exact: true })
  expect(items).toContain('d')
})

test('a source that has crashed is started, and what it had not archived is restored', async () => {
  await add(idle, 'before the crash')
  await crash(idle.server)
  const { reached, items } = await restored(idle, { latest: true })
  expect(reached).toMatchObject({ exact: true })
  expect(items).toContain('before the crash')
})

test('a source that has crashed and has been started again already is restored from as if it never had', async () => {
  const before = await add(idle, 'before another crash')
  await crash(idle.server)
  const answers = () =>
    clockOf(idle.url).then(
      () => true,
      () => false,
    )
  await until(answers, 'the source to run again')
  const { reached, items } = await restored(idle, { time: before })
  expect(reached).toMatchObject({ exact: true })
  expect(items).toContain('before another crash')
})

test('a source that is gone is restored from its archive alone: exactly within it, to its end beyond', async () => {
  const first = await add(lost, 'a')
  await add(lost, 'b')
  const last = await archived(lost)
  await add(lost, 'never archived')
  const after = await clockOf(lost.url)
  await lose(lost.server)

  const [within, beyond, latest] = await Promise.all(
    [{ time: first }, { time: after }, { latest: true } as const].map((target) => restored(lost, target)),
  )
  expect(within).toMatchObject({ reached: { exact: true, reason: null }, items: ['a'] })
  const end = { exact: false, reason: 'end_of_wal', time: last }
  expect(beyond).toMatchObject({ reached: end, items: ['a', 'b'] })
  expect(latest).toMatchObject({ reached: end, items: ['a', 'b'] })
})

/** Has everything archived; returns the time of the last commit. */
async function archived({ server }: Source): Promise<string> {
  const [row] = await asAdmin<{ at: string }>(
    undrop,
    server,
    `select to_char(timestamp at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at from pg_last_committed_xact()`,
  )
  await archiveSegment(server)
  return row?.at ?? expect.fail('nothing was ever committed')
}
