import pg from 'pg'
import type { OpenAdmin } from './side-effects.ts'

export interface ReadRows {
  /** Tables and materialized views. */
  tables: number
  /** In them, without what TOAST has. */
  rows: number
  /** Tables of which some row cannot be read. */
  unreadable: number
}

/** Objects of PostgreSQL itself have numbers below this (access/transam.h, FirstNormalObjectId). */
const FIRST_NORMAL_OID = 16_384

/** An index would answer for pages that nobody has read. */
const READ_THE_TABLE = `SET enable_indexonlyscan = off; SET enable_indexscan = off; SET enable_bitmapscan = off;
  SET synchronize_seqscans = off`

/**
 * Reads every page of every table of a tenant, TOAST tables too, which verifies their checksums. Counting runs nothing
 * of the tenant's own: no function, no policy, no foreign server.
 * @param beforeEach called before each table; what it throws ends the reading
 */
export async function readAllRows(openAdmin: OpenAdmin, beforeEach: () => void): Promise<ReadRows> {
  const databases = await openAdmin('postgres', (client) =>
    client.query<{ name: string }>(
      'SELECT datname AS name FROM pg_database WHERE datallowconn ORDER BY datname',
    ),
  )
  const read: ReadRows = { tables: 0, rows: 0, unreadable: 0 }
  for (const { name } of databases.rows)
    await openAdmin(name, (client) => readDatabase(client, read, beforeEach))
  return read
}

async function readDatabase(client: pg.Client, read: ReadRows, beforeEach: () => void): Promise<void> {
  await client.query(READ_THE_TABLE)
  const tables = await client.query<{ name: string; isToast: boolean }>(
    `SELECT format('%I.%I', nspname, relname) AS name, relkind = 't' AS "isToast"
       FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
      WHERE relkind IN ('r', 'm', 't') AND relpersistence <> 't' AND pg_class.oid >= $1 AND relispopulated
      ORDER BY pg_class.oid`,
    [FIRST_NORMAL_OID],
  )
  for (const { name, isToast } of tables.rows) {
    beforeEach()
    const rows = await countRows(client, name)
    if (rows === null) read.unreadable += 1
    if (isToast) continue
    read.tables += 1
    read.rows += rows ?? 0
  }
}

/** Null when the table cannot be read; an error that ends the session is thrown. */
async function countRows(client: pg.Client, table: string): Promise<number | null> {
  try {
    const { rows } = await client.query<{ count: string }>(`SELECT count(*) AS count FROM ONLY ${table}`)
    return Number(rows[0]?.count ?? 0)
  } catch (error) {
    // Class 57: the session was ended, which says nothing of the table.
    if (error instanceof pg.DatabaseError && !error.code?.startsWith('57')) return null
    throw error
  }
}
