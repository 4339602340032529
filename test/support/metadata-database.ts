import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { inject, onTestFinished, TestRunner } from 'vitest'
import { type Db, type MetadataConnection, openDb, openPool } from '../../src/db/client.ts'
import { TEMPLATE_DATABASE } from './global-postgres.ts'

export interface FreshMetadata {
  db: Db
  pool: pg.Pool
  /** For opening pools of one's own; the test closes those. */
  connection: MetadataConnection
  /** Closes the pool and drops the database. May be called twice. */
  drop: () => Promise<void>
}

/**
 * A metadata database of its own, migrated and without rows, with a pool of that role. It is dropped when the test
 * ends; outside of a test the caller drops it: `beforeAll(async () => { metadata = await freshMetadata(); return metadata.drop })`.
 */
export async function freshMetadata(
  role: MetadataConnection['role'] = 'undrop_worker',
): Promise<FreshMetadata> {
  const database = `test_${randomUUID().replaceAll('-', '')}`
  await administer(`create database ${database} template ${TEMPLATE_DATABASE}`)
  const connection: MetadataConnection = { pool: { ...inject('testCluster'), database }, role }
  const pool = openPool(connection)
  // The database may be dropped while a connection of the pool is still on its way out.
  pool.on('error', () => {})
  let dropped: Promise<void> | null = null
  const drop = () => {
    dropped ??= pool.end().then(() => administer(`drop database ${database} with (force)`))
    return dropped
  }
  if (TestRunner.getCurrentTest() !== undefined) onTestFinished(drop)
  return { db: openDb(pool), pool, connection, drop }
}

async function administer(statement: string): Promise<void> {
  const client = new pg.Client({ ...inject('testCluster'), database: 'postgres' })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
