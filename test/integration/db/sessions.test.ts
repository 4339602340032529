import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { freshMetadata } from '../../support/metadata-database.ts'

const ownPid = sql<{ pid: number }>`select pg_backend_pid() as pid`

test('a session that is lost while it is held fails the next query, and nothing else', async () => {
  const { db, pool } = await freshMetadata()
  const lost = db.connection().execute(async (session) => {
    const { rows } = await ownPid.execute(session)
    await pool.query('select pg_terminate_backend($1)', [rows[0]?.pid])
    await sql`select 1`.execute(session)
  })
  await expect(lost).rejects.toThrow(/terminat/i)
  expect((await ownPid.execute(db)).rows).toHaveLength(1)
})

test('a transaction that loses its session is not committed', async () => {
  const { db, pool } = await freshMetadata()
  const lost = db.transaction().execute(async (tx) => {
    await tx.insertInto('tenant').values({ id: 'tnt_1', name: 'acme', deleted_at: null }).execute()
    const { rows } = await ownPid.execute(tx)
    await pool.query('select pg_terminate_backend($1)', [rows[0]?.pid])
  })
  await expect(lost).rejects.toThrow()
  expect(await db.selectFrom('tenant').selectAll().execute()).toEqual([])
})
