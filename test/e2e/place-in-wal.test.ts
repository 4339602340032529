import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createRestore, createRestorePoint, getRestorePoint } from './client/sdk.gen.ts'
import { LEDGER, ledgerLoad } from './support/ledger-load.ts'
import { archiveSegment, lose, type ServerFiles, serverBehind } from './support/server-files.ts'
import { aProtectedAddon, aTenant, ok, query, reveal, until, untilFinished } from './support/stories.ts'
import { startUndrop, type Undrop } from './support/undrop.ts'
import { prefixUpTo, type TransactionEnd, transactionEnds } from './support/wal-oracle.ts'

const LOAD = { clients: 4, transactionsPerClient: 400 }

let undrop: Undrop
let addonId: string
let server: ServerFiles
/** Every transaction that ended in the source's WAL. */
let ends: TransactionEnd[]
/** Every transaction of the load that committed. */
let ledger: string[]
/** What had committed when the restore point was made, which nothing was written beside. */
let atPoint: string[]

beforeAll(async () => {
  undrop = await startUndrop()
  const tenantId = await aTenant(undrop)
  const { id, login } = await aProtectedAddon(undrop, tenantId)
  addonId = id
  await query(login.url, LEDGER)
  server = await serverBehind(undrop, tenantId, login.url)
  await ledgerLoad(server, login.url, LOAD)
  atPoint = await xidsIn(login.url)
  await restorePoint('before the second half')
  const long = new pg.Client({ connectionString: login.url })
  await long.connect()
  await long.query('begin')
  await long.query('insert into ledger default values')
  await archiveSegment(server)
  await ledgerLoad(server, login.url, LOAD)
  await archiveSegment(server)
  await long.query('commit')
  await long.end()
  await ledgerLoad(server, login.url, LOAD)
  await archiveSegment(server)
  ends = await transactionEnds(server)
  ledger = await xidsIn(login.url)
})
afterAll(() => undrop.remove())

test.each([false, true])(
  'a restore to the LSN of a commit holds what committed before it, and that too unless it is exclusive: %s',
  async (exclusive) => {
    const commit = pick(({ commits }) => commits)
    const restoreId = await restoreTo({ lsn: commit.lsn }, exclusive)
    await expectExactly(restoreId, prefixUpTo(ends, commit, { exclusive }))
  },
)

test.each([false, true])(
  'a restore to a transaction holds what committed before it did, and that too unless it is exclusive: %s',
  async (exclusive) => {
    const commit = pick(({ commits }) => commits)
    const restoreId = await restoreTo({ xid: commit.xid }, exclusive)
    await expectExactly(restoreId, prefixUpTo(ends, commit, { exclusive }))
  },
)

test('a restore to a transaction that was rolled back stops at its end', async () => {
  const rollback = pick(({ commits }) => !commits)
  await expectExactly(await restoreTo({ xid: rollback.xid }), prefixUpTo(ends, rollback))
})

test('a transaction that ended long after others that began later is found', async () => {
  const long = ends.find(
    ({ xid, commits }, index) =>
      commits && ends.slice(0, index).some((earlier) => Number(earlier.xid) > Number(xid) + 1000),
  )
  if (long === undefined) return expect.fail('no transaction was long')
  await expectExactly(await restoreTo({ xid: long.xid }), prefixUpTo(ends, long))
})

test('a restore to a restore point holds what had committed when it was made', async () => {
  const { reached, failure, childAddonId } = await untilFinished(
    undrop,
    await restoreTo({ name: 'before the second half' }),
  )
  expect(failure).toBeNull()
  expect(reached).toMatchObject({ exact: true, reason: null })
  expect(await xidsOfAddon(childAddonId)).toEqual(atPoint)
})

test('an LSN that the source has not come to, and a transaction that never was, fail before anything is fetched', async () => {
  const [far, none] = await Promise.all([
    untilFinished(undrop, await restoreTo({ lsn: 'F/0' })),
    untilFinished(undrop, await restoreTo({ xid: '4000000' })),
  ])
  expect(far).toMatchObject({ status: 'failed', failure: { code: 'target-in-future' }, backupId: null })
  expect(none).toMatchObject({ status: 'failed', failure: { code: 'target-not-found' }, backupId: null })
  expect(far.phaseSeconds).not.toHaveProperty('fetching')
})

test('an LSN before the end of the first backup and a name that no restore point has are refused at once', async () => {
  const refused = async (target: { lsn: string } | { name: string }) =>
    (await createRestore({ client: undrop.client, path: { addonId }, body: { target } })).error?.type
      ?.split('/')
      .at(-1)
  expect(await refused({ lsn: '0/1000028' })).toBe('target-before-window')
  expect(await refused({ name: 'never made' })).toBe('target-not-found')
})

test('a taken name is refused, and the point that has it stays', async () => {
  const body = { name: 'before the second half' }
  const { response } = await createRestorePoint({ client: undrop.client, path: { addonId }, body })
  expect(response?.status).toBe(409)
})

test('a transaction of a source that is lost is found in its archive', async () => {
  const commit = pick(({ commits }) => commits)
  await lose(server)
  await expectExactly(await restoreTo({ xid: commit.xid }), prefixUpTo(ends, commit))
})

/** Makes a restore point and waits until it is archived. */
async function restorePoint(name: string) {
  const { client } = undrop
  const { id } = await ok(createRestorePoint({ client, path: { addonId }, body: { name } }))
  const read = () => ok(getRestorePoint({ client, path: { restorePointId: id } }))
  await until(async () => (await read()).finishedAt !== null, 'the restore point')
  expect(await read()).toMatchObject({ status: 'archived', failure: null })
}

async function restoreTo(
  target: { lsn: string } | { xid: string } | { name: string },
  exclusive = false,
): Promise<string> {
  const body = { target, exclusive }
  return (await ok(createRestore({ client: undrop.client, path: { addonId }, body }))).id
}

/** The first in the last quarter of the WAL. */
function pick(wanted: (end: TransactionEnd) => boolean): TransactionEnd {
  return ends.slice(Math.floor((ends.length * 3) / 4)).find(wanted) ?? expect.fail('the WAL holds none')
}

async function expectExactly(restoreId: string, { last, xids }: ReturnType<typeof prefixUpTo>) {
  const { childAddonId, failure, reached } = await untilFinished(undrop, restoreId)
  expect(failure).toBeNull()
  expect(reached).toMatchObject({ exact: true, reason: null, xid: last.xid, time: last.at })
  expect(await xidsOfAddon(childAddonId)).toEqual(ledger.filter((xid) => xids.has(xid)))
}

async function xidsOfAddon(id: string): Promise<string[]> {
  const { url } = await reveal(undrop, id)
  return xidsIn(url)
}

async function xidsIn(url: string): Promise<string[]> {
  const rows = await query<{ xid: string }>(url, 'select xid::text from ledger order by xid')
  return rows.map(({ xid }) => xid)
}
