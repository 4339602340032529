import { afterAll, beforeAll, expect, test } from 'vitest'
import { addSeconds, parseMoment } from '../../../src/domain/moment.ts'
import { parseSegment } from '../../../src/domain/wal-segment.ts'
import { archiverState, commitMarkerAfter, isArchived, serverClock } from '../../../src/postgres/anchor.ts'
import { postgresqlConf } from '../../../src/postgres/settings.ts'
import { disableSubscriptions, rollbackPreparedTransactions } from '../../../src/postgres/side-effects.ts'
import { parseTransactions, transactionsCommand } from '../../../src/postgres/waldump.ts'
import { type BareServer, bareServer } from '../../support/bare-server.ts'
import { until } from '../../support/until.ts'

let server: BareServer
beforeAll(async () => {
  server = await bareServer()
  await server.initialise()
  const settings = { max_prepared_transactions: 5, wal_level: 'logical' }
  await server.start(postgresqlConf({ settings, archiveCommand: 'true' }))
  await run('postgres', 'CREATE DATABASE "first app"', 'CREATE DATABASE second')
})
afterAll(() => server[Symbol.asyncDispose]())

const run = (database: string, ...statements: string[]) =>
  server.openAdmin(database, async (client) => {
    for (const statement of statements) await client.query(statement)
  })

const count = async (relation: string) => {
  const { rows } = await server.openAdmin('postgres', (client) =>
    client.query(`SELECT count(*)::integer AS count FROM ${relation}`),
  )
  return rows[0].count
}

test('rolls back the prepared transactions of every database and does nothing when there is none', async () => {
  expect(await rollbackPreparedTransactions(server.openAdmin)).toBe(0)
  for (const database of ['first app', 'second']) {
    await run(database, 'BEGIN', 'CREATE TABLE public.t ()', `PREPARE TRANSACTION 'it''s \\ ${database}'`)
  }
  expect(await rollbackPreparedTransactions(server.openAdmin)).toBe(2)
  expect(await count('pg_prepared_xacts')).toBe(0)
})

test('disables the subscriptions of every database and cuts them from their slots', async () => {
  expect(await disableSubscriptions(server.openAdmin)).toBe(0)
  for (const database of ['first app', 'second']) {
    await run(
      database,
      `CREATE SUBSCRIPTION "sub of ${database}" CONNECTION 'host=127.0.0.1 port=1' PUBLICATION p
       WITH (connect = false, slot_name = 'parents_slot')`,
      `ALTER SUBSCRIPTION "sub of ${database}" ENABLE`,
      'ALTER DATABASE second SET default_transaction_read_only = on',
    )
  }
  expect(await disableSubscriptions(server.openAdmin)).toBe(2)
  expect(await disableSubscriptions(server.openAdmin)).toBe(2)
  expect(await count('pg_subscription')).toBe(2)
  expect(await count('pg_subscription WHERE subenabled OR subslotname IS NOT NULL')).toBe(0)
})

test('an idle server commits a marker later than the moment, and its segment gets archived', async () => {
  const anchor = await server.openAdmin('postgres', async (client) => {
    const target = addSeconds(await serverClock(client), 0.3)
    const committed = await commitMarkerAfter(client, target)
    expect(committed.committedAt > target).toBe(true)
    await until(async () => isArchived(await archiverState(client), committed.segment))
    return committed
  })
  const file = `${server.paths.dataDirectory}/pg_wal/${anchor.segment}`
  const { stdout } = await server.run(transactionsCommand(server.program('pg_waldump'), file))
  expect(parseTransactions(stdout).map(({ kind, at }) => ({ kind, at }))).toContainEqual({
    kind: 'commit',
    at: anchor.committedAt,
  })
})

test('a marker waits in the segment it names until that is archived, never in an earlier one', async () => {
  await server.openAdmin('postgres', async (client) => {
    const first = await commitMarkerAfter(client, await serverClock(client))
    const second = await commitMarkerAfter(client, await serverClock(client))
    expect(parseSegment(second.segment).number).toBe(parseSegment(first.segment).number + 1)
    expect(second.committedAt > first.committedAt).toBe(true)
  })
})

test('a moment too far ahead of the server’s clock is refused, and nothing is committed', async () => {
  await server.openAdmin('postgres', async (client) => {
    const far = addSeconds(await serverClock(client), 60)
    const before = await client.query('SELECT pg_current_wal_insert_lsn()::text AS lsn')
    await expect(commitMarkerAfter(client, far)).rejects.toThrow(RangeError)
    expect((await client.query('SELECT pg_current_wal_insert_lsn()::text AS lsn')).rows).toEqual(before.rows)
  })
})

test('the server’s clock is a moment with its microseconds', async () => {
  const now = await server.openAdmin('postgres', serverClock)
  expect(parseMoment(now)).toBe(now)
})

test('ends of prepared transactions carry the xid they were prepared under', async () => {
  const { xid, segment } = await server.openAdmin('second', async (client) => {
    await client.query('SET default_transaction_read_only = off')
    await client.query('BEGIN')
    const { rows } = await client.query('SELECT pg_current_xact_id()::text AS xid')
    await client.query('CREATE TABLE public.kept ()')
    await client.query("PREPARE TRANSACTION 'two-phase'")
    await client.query("COMMIT PREPARED 'two-phase'")
    return { xid: rows[0].xid, ...(await commitMarkerAfter(client, await serverClock(client))) }
  })
  const file = `${server.paths.dataDirectory}/pg_wal/${segment}`
  const { stdout } = await server.run(transactionsCommand(server.program('pg_waldump'), file))
  expect(parseTransactions(stdout).find((end) => end.kind === 'commit_prepared')?.xid).toBe(xid)
})
