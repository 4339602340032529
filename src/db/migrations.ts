import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runMigrations } from 'bullmq'
import { Kysely, type Migration, Migrator, PostgresDialect, sql } from 'kysely'
import pg from 'pg'
import { openPool } from './client.ts'

const DIRECTORY = join(import.meta.dirname, '../../migrations')

/**
 * Brings the metadata database up to date: roles, schemas, `migrations/*.sql` in order of name, each once, BullMQ's own
 * tables, and the grants. Everything made belongs to `undrop_migrator`. Safe to run from several processes at once.
 * @param connection a login that may create roles and schemas, or that is a member of roles which exist already
 */
export async function applyMigrations(connection: pg.PoolConfig): Promise<void> {
  await using login = await connect(connection)
  await login.client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK])
  await ensureRoles(login.client)

  const pool = openPool({ pool: connection, role: 'undrop_migrator' }, 2)
  try {
    const db = new Kysely({ dialect: new PostgresDialect({ pool }) })
    await sql`create schema if not exists undrop`.execute(db)
    const provider = { getMigrations: readMigrations }
    const { error } = await new Migrator({ db, provider, migrationTableSchema: 'undrop' }).migrateToLatest()
    if (error !== undefined) throw error
    await migrateQueue(pool)
    await sql.raw(GRANTS).execute(db)
  } finally {
    await pool.end()
  }
}

/** Any number that nobody else in the database takes a lock on. */
const MIGRATION_LOCK = 8_736_701

async function connect(connection: pg.PoolConfig) {
  const client = new pg.Client(connection)
  await client.connect()
  return { client, [Symbol.asyncDispose]: () => client.end() }
}

/** The names of the migrations that belong to this code, in order. */
export async function knownMigrations(): Promise<string[]> {
  const files = (await readdir(DIRECTORY)).filter((file) => file.endsWith('.sql')).sort()
  return files.map((file) => file.replace('.sql', ''))
}

async function readMigrations(): Promise<Record<string, Migration>> {
  const names = await knownMigrations()
  const entries = await Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(DIRECTORY, `${name}.sql`), 'utf8')
      const up: Migration['up'] = async (db) => void (await sql.raw(text).execute(db))
      return [name, { up }] as const
    }),
  )
  return Object.fromEntries(entries)
}

const ROLES = ['undrop_migrator', 'undrop_worker', 'undrop_api'] as const

/** The roles cannot log in: a process logs in as whoever the operator gave it and assumes its role. */
async function ensureRoles(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ rolname: string }>('select rolname from pg_roles')
  const existing = new Set(rows.map((row) => row.rolname))
  for (const role of ROLES) {
    if (existing.has(role)) continue
    await client.query(`create role ${role} nologin`)
    await client.query(`grant ${role} to current_user`)
  }
  const {
    rows: [here],
  } = await client.query<{ name: string }>('select current_database() as name')
  await client.query(
    `grant create on database ${client.escapeIdentifier(here?.name ?? '')} to undrop_migrator`,
  )
}

async function migrateQueue(pool: pg.Pool): Promise<void> {
  const client = await pool.connect()
  try {
    await runMigrations(client, 'bullmq')
  } finally {
    // The migrations leave their search path behind.
    client.release(true)
  }
}

// Who did what is written once: nobody but the migrator may change an audit entry. What belongs to no tenant no wall keeps
// from the API: it reads that, and notes the master key of the first start.
const GRANTS = `
  grant usage on schema undrop, bullmq to undrop_worker, undrop_api;
  grant select, insert, update, delete on all tables in schema undrop, bullmq to undrop_worker, undrop_api;
  grant usage on all sequences in schema undrop, bullmq to undrop_worker, undrop_api;
  grant execute on all functions in schema bullmq to undrop_worker, undrop_api;
  grant execute on function undrop.api_key_of to undrop_api;
  grant execute on function undrop.api_keys_of to undrop_api;
  grant execute on procedure undrop.touch_api_key to undrop_api;
  revoke update, delete on undrop.audit_entry from undrop_worker, undrop_api;
  revoke update, delete on undrop.master_key from undrop_api;
  revoke insert, update, delete on undrop.kysely_migration, undrop.kysely_migration_lock, undrop.measured_rate,
    undrop.observation, undrop.platform_policy from undrop_api;
`
