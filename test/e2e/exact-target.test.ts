import { afterAll, beforeAll, expect, test } from 'vitest'
import { createRestore } from './client/sdk.gen.ts'
import { LEDGER, ledgerLoad } from './support/ledger-load.ts'
import { archiveSegment, serverBehind } from './support/server-files.ts'
import {
  aProtectedAddon,
  aTenant,
  clockOf,
  ok,
  query,
  reveal,
  until,
  untilFinished,
} from './support/stories.ts'
import { startUndrop, type Undrop } from './support/undrop.ts'
import { nextRecordAt, prefixBefore, type TransactionEnd, transactionEnds } from './support/wal-oracle.ts'

const LOAD = { clients: 12, transactionsPerClient: 1000 }
/** Offsets and how many minutes they are ahead of UTC. */
const OFFSETS = [
  ['+05:30', 330],
  ['-08:00', -480],
  ['Z', 0],
] as const

let undrop: Undrop
let addonId: string
/** Every transaction that ended in the source's WAL. */
let ends: TransactionEnd[]
/** Every transaction of the load that committed. */
let ledger: string[]
/** Restores that were asked for while the load ran. */
let underLoad: { moment: string; restoreId: string }[]

beforeAll(async () => {
  undrop = await startUndrop()
  const tenantId = await aTenant(undrop)
  const { id, login } = await aProtectedAddon(undrop, tenantId)
  addonId = id
  await query(login.url, LEDGER)
  const server = await serverBehind(undrop, tenantId, login.url)
  const [asked] = await Promise.all([restoresUnderLoad(login.url), ledgerLoad(server, login.url, LOAD)])
  underLoad = asked
  await archiveSegment(server)
  ends = await transactionEnds(server)
  ledger = await xidsIn(login.url)
})
afterAll(() => undrop.remove())

test('the load is what the promise is about: at least 10,000 commits, and aborts between them', () => {
  const xids = new Set(ends.filter(({ commits }) => commits).map(({ xid }) => xid))
  expect(ledger.length).toBeGreaterThan(10_000)
  expect(ledger.filter((xid) => !xids.has(xid))).toEqual([])
  expect(ends.filter(({ commits }) => !commits).length).toBeGreaterThan(1000)
})

test.each(OFFSETS.map(([offset], index) => ({ offset, index })))(
  'a restore under load to a microsecond at $offset holds exactly the transactions before the first end later than it',
  async ({ index }) => {
    const { moment, restoreId } = underLoad[index] ?? expect.fail('no such restore')
    await expectExactly(restoreId, prefixBefore(ends, moment))
  },
)

test('a commit at the very target is kept by an inclusive restore and dropped by an exclusive one', async () => {
  const commit = pick(({ commits }) => commits)
  const inclusive = prefixBefore(ends, commit.at)
  const exclusive = prefixBefore(ends, commit.at, { exclusive: true })
  expect([inclusive.xids.has(commit.xid), exclusive.xids.has(commit.xid)]).toEqual([true, false])
  const ids = await Promise.all([false, true].map((exclusive) => restoreTo(commit.at, exclusive)))
  await expectExactly(ids[0] ?? '', inclusive)
  await expectExactly(ids[1] ?? '', exclusive)
})

test('a restore stops at a rollback that is later than its target as well', async () => {
  const rollback = pick(({ commits }) => !commits)
  const prefix = prefixBefore(ends, rollback.at, { exclusive: true })
  expect(prefix.stop).toEqual(rollback)
  await expectExactly(await restoreTo(rollback.at, true), prefix)
})

test('where commit times run backwards in the WAL, the first one later than the target decides', async () => {
  const steps = ends.slice(1).map((end, index) => ({ end, back: (ends[index]?.at ?? '') > end.at }))
  const { end } = steps.findLast(({ back }) => back) ?? expect.fail('the load was not concurrent enough')
  const prefix = prefixBefore(ends, end.at)
  expect(prefix.xids.has(end.xid)).toBe(false)
  await expectExactly(await restoreTo(end.at), prefix)
})

test('a target without an offset is refused, and the answer points at it', async () => {
  const body = { target: { time: '2026-11-23T14:00:00.123456' } }
  const { error, response } = await createRestore({ client: undrop.client, path: { addonId }, body })
  expect(response?.status).toBe(400)
  expect(error?.errors?.map(({ pointer }) => pointer)).toEqual(['/target/time'])
})

/** Asks for a restore to the present moment at a quarter, half and three quarters of the load. */
async function restoresUnderLoad(url: string) {
  const asked: typeof underLoad = []
  for (const [index, [offset, minutes]] of OFFSETS.entries()) {
    const least = (LOAD.clients * LOAD.transactionsPerClient * (index + 1)) / 4
    await until(async () => {
      const [row] = await query<{ reached: boolean }>(
        url,
        `select last_value >= ${least} as reached from ledger_n_seq`,
      )
      return row?.reached === true
    }, `${least} transactions`)
    const moment = await clockOf(url)
    const local = new Date(Date.parse(`${moment.slice(0, 19)}Z`) + minutes * 60_000).toISOString()
    asked.push({ moment, restoreId: await restoreTo(local.slice(0, 19) + moment.slice(19, 26) + offset) })
  }
  return asked
}

async function restoreTo(time: string, exclusive = false): Promise<string> {
  const body = { target: { time }, exclusive }
  return (await ok(createRestore({ client: undrop.client, path: { addonId }, body }))).id
}

/** The first in the second half of the WAL that is later than all before it, and the only one of its microsecond. */
function pick(wanted: (end: TransactionEnd) => boolean): TransactionEnd {
  let latest = ''
  for (const [index, end] of ends.entries()) {
    const isAlone = end.at > latest && ends.slice(index + 1, index + 100).every(({ at }) => at > end.at)
    if (index > ends.length / 2 && isAlone && wanted(end)) return end
    if (end.at > latest) latest = end.at
  }
  return expect.fail('the WAL holds none')
}

/** Compares a restore and its child with what the archived WAL says. */
async function expectExactly(restoreId: string, { stop, last, xids }: ReturnType<typeof prefixBefore>) {
  const { childAddonId, failure, reached } = await untilFinished(undrop, restoreId)
  expect(failure).toBeNull()
  expect(reached).toMatchObject({ exact: true, reason: null, xid: last.xid, time: last.at })
  expect(nextRecordAt(reached?.lsn ?? '')).toBe(stop.lsn)
  const { url } = await reveal(undrop, childAddonId)
  expect(await xidsIn(url)).toEqual(ledger.filter((xid) => xids.has(xid)))
}

async function xidsIn(url: string): Promise<string[]> {
  const rows = await query<{ xid: string }>(url, 'select xid::text from ledger order by xid')
  return rows.map(({ xid }) => xid)
}
