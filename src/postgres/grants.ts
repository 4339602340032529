import pg from 'pg'
import type { LimitedAccess } from '../domain/credential.ts'
import { ensureGroup } from './roles.ts'

const { escapeIdentifier } = pg

/**
 * What a login may do it may as a member of one of these, which cannot log in. They have the same names on every server,
 * so that a dump of one add-on can be loaded into another.
 */
export const GROUPS: Readonly<Record<LimitedAccess, string>> = {
  'read-only': 'undrop_read_only',
  'read-write': 'undrop_read_write',
}

const RIGHTS = {
  'read-only': { tables: 'SELECT', sequences: 'SELECT', database: 'CONNECT' },
  'read-write': {
    tables: 'SELECT, INSERT, UPDATE, DELETE',
    sequences: 'SELECT, USAGE, UPDATE',
    database: 'CONNECT, TEMPORARY',
  },
} as const

/** Everybody may make large objects unless told otherwise (PostgreSQL manual, 35.3). */
const MAKING_LARGE_OBJECTS =
  'FUNCTION pg_catalog.lo_creat(integer), pg_catalog.lo_create(oid), pg_catalog.lo_from_bytea(oid, bytea)'

export interface Grant {
  databaseName: string
  /** The role that owns the database, and what is made in it from now on. */
  owner: string
}

/**
 * Gives the group of that access its rights in the database that the client is connected to: on what there is, and by
 * default privileges on what the owner makes later (PostgreSQL manual, 5.7). Not by `pg_read_all_data`, which would show
 * the passwords in `pg_authid`, `pg_subscription` and `pg_user_mapping` too. May be repeated; runs in the transaction of the caller.
 */
export async function grantAccess(
  client: pg.Client,
  access: LimitedAccess,
  { databaseName, owner }: Grant,
): Promise<void> {
  const group = GROUPS[access]
  const { tables, sequences, database } = RIGHTS[access]
  await ensureGroup(client, group)
  await client.query(`GRANT ${database} ON DATABASE ${escapeIdentifier(databaseName)} TO ${group}`)
  for (const schema of await schemasOf(client)) {
    await client.query(`GRANT USAGE ON SCHEMA ${schema} TO ${group}`)
    await client.query(`GRANT ${tables} ON ALL TABLES IN SCHEMA ${schema} TO ${group}`)
    await client.query(`GRANT ${sequences} ON ALL SEQUENCES IN SCHEMA ${schema} TO ${group}`)
  }
  const later = `ALTER DEFAULT PRIVILEGES FOR ROLE ${escapeIdentifier(owner)}`
  await client.query(`${later} GRANT USAGE ON SCHEMAS TO ${group}`)
  await client.query(`${later} GRANT ${tables} ON TABLES TO ${group}`)
  await client.query(`${later} GRANT ${sequences} ON SEQUENCES TO ${group}`)
  await keepOthersFromMaking(client, owner)
  if (access === 'read-write') await client.query(`GRANT EXECUTE ON ${MAKING_LARGE_OBJECTS} TO ${group}`)
}

/** Before PostgreSQL 15 everybody may make tables in `public`, and dumps of that time grant it again. */
async function keepOthersFromMaking(client: pg.Client, owner: string): Promise<void> {
  const found = await client.query(`SELECT FROM pg_namespace WHERE nspname = 'public'`)
  if (found.rowCount === 1) {
    await client.query('REVOKE CREATE ON SCHEMA public FROM PUBLIC')
    await client.query(`GRANT CREATE ON SCHEMA public TO ${escapeIdentifier(owner)}`)
  }
  await client.query(`REVOKE EXECUTE ON ${MAKING_LARGE_OBJECTS} FROM PUBLIC`)
  await client.query(`GRANT EXECUTE ON ${MAKING_LARGE_OBJECTS} TO ${escapeIdentifier(owner)}`)
}

async function schemasOf(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT nspname AS name FROM pg_namespace
      WHERE NOT starts_with(nspname, 'pg_') AND nspname <> 'information_schema' ORDER BY 1`,
  )
  return rows.map(({ name }) => escapeIdentifier(name))
}
