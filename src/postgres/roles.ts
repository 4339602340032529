import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { ADMIN_ROLE } from '../domain/admin-role.ts'
import type { SecuredRole } from '../domain/restore.ts'

const { escapeIdentifier, escapeLiteral } = pg

interface Owner {
  username: string
  /** From `scramVerifier`; a password itself never reaches a server. */
  verifier: string
  databaseName: string
}

/** What a role of the parent becomes on its child. */
export interface NewIdentity {
  /** The names that it has had, newest first: the data may be older than the last of them, or newer than the first. */
  fromUsernames: readonly string[]
  username: string
  verifier: string
}

export const ORDINARY = 'NOSUPERUSER NOCREATEROLE NOCREATEDB NOREPLICATION NOBYPASSRLS'

/** Makes the owner and its database where they are missing, and sets the owner's password. May be repeated. */
export async function createOwner(
  client: pg.Client,
  { username, verifier, databaseName }: Owner,
): Promise<void> {
  const role = escapeIdentifier(username)
  const database = escapeIdentifier(databaseName)
  if (!(await hasRole(client, username))) await client.query(`CREATE ROLE ${role}`)
  await client.query(`ALTER ROLE ${role} WITH LOGIN ${ORDINARY} PASSWORD ${escapeLiteral(verifier)}`)
  const found = await client.query('SELECT FROM pg_database WHERE datname = $1', [databaseName])
  if (found.rowCount === 0) {
    await client.query(`CREATE DATABASE ${database} OWNER ${role} TEMPLATE template0 ENCODING 'UTF8'`)
  }
  await client.query(`REVOKE ALL ON DATABASE ${database}, postgres, template1 FROM PUBLIC`)
}

/**
 * Makes every credential of the parent useless on a restored server (pitfall 10): the owner, and whoever else is to log
 * in, gets another name and password, and no other role but our own can log in. Who is not there yet is made, except for
 * the owner. One transaction; may be repeated.
 */
export function secureRoles(
  client: pg.Client,
  owner: NewIdentity,
  others: readonly NewIdentity[] = [],
): Promise<SecuredRole[]> {
  return inTransaction(client, async () => {
    const renamed: SecuredRole[] = []
    for (const identity of [owner, ...others]) {
      const name = await changeIdentity(client, identity, identity !== owner)
      if (name !== null) renamed.push({ name, action: 'renamed' })
    }
    const usernames = [owner, ...others].map(({ username }) => username)
    return [...renamed, ...(await lockOtherRoles(client, usernames))]
  })
}

/** Returns what the role was called before, also when that was changed by an earlier run; null for one that is new. */
async function changeIdentity(
  client: pg.Client,
  { fromUsernames, username, verifier }: NewIdentity,
  isMadeWhereMissing: boolean,
): Promise<string | null> {
  const role = escapeIdentifier(username)
  const former = await formerName(client, username)
  // What has been renamed already is not looked for again: an old login of the same name might be found in its place.
  const isDone = former !== null && fromUsernames.includes(former)
  const from = isDone ? null : await newestOf(client, fromUsernames, username)
  if (from !== null) {
    await makeWay(client, username)
    await client.query(`ALTER ROLE ${escapeIdentifier(from)} RENAME TO ${role}`)
    await client.query(`COMMENT ON ROLE ${role} IS ${escapeLiteral(FORMERLY + from)}`)
  } else if (isMadeWhereMissing && !(await hasRole(client, username)))
    await client.query(`CREATE ROLE ${role}`)
  await client.query(
    `ALTER ROLE ${role} WITH LOGIN ${ORDINARY} CONNECTION LIMIT -1 VALID UNTIL 'infinity'
     PASSWORD ${escapeLiteral(verifier)}`,
  )
  return isDone ? former : from
}

async function newestOf(
  client: pg.Client,
  fromUsernames: readonly string[],
  username: string,
): Promise<string | null> {
  const names = fromUsernames.filter((name) => name !== username)
  const { rows } = await client.query<{ name: string }>(
    `SELECT rolname AS name FROM pg_roles WHERE rolname = ANY ($1::text[])
      ORDER BY array_position($1::text[], rolname::text) LIMIT 1`,
    [names],
  )
  return rows[0]?.name ?? null
}

/** Begins the comment of a role that has been renamed, so that a repeated run can tell. */
const FORMERLY = 'formerly '

async function formerName(client: pg.Client, username: string): Promise<string | null> {
  const { rows } = await client.query<{ comment: string | null }>(
    `SELECT shobj_description(oid, 'pg_authid') AS comment FROM pg_roles WHERE rolname = $1`,
    [username],
  )
  const comment = rows[0]?.comment ?? ''
  return comment.startsWith(FORMERLY) ? comment.slice(FORMERLY.length) : null
}

/** New names are random, so this never happens; if it does, the restore must not fail on it. */
async function makeWay(client: pg.Client, username: string): Promise<void> {
  if (!(await hasRole(client, username))) return
  const spare = `displaced_${randomBytes(8).toString('hex')}`
  await client.query(`ALTER ROLE ${escapeIdentifier(username)} RENAME TO ${escapeIdentifier(spare)}`)
}

/** Groups of our own are nobody's to log in with, and not worth a word. */
async function lockOtherRoles(client: pg.Client, usernames: readonly string[]): Promise<SecuredRole[]> {
  const others = await client.query<{ rolname: string }>(
    `SELECT rolname FROM pg_roles
     WHERE rolname <> ALL ($1) AND NOT starts_with(rolname, 'pg_') ORDER BY rolname`,
    [[...usernames, ADMIN_ROLE]],
  )
  for (const { rolname } of others.rows) {
    await client.query(`ALTER ROLE ${escapeIdentifier(rolname)} WITH NOLOGIN NOREPLICATION PASSWORD NULL`)
  }
  return others.rows
    .filter(({ rolname }) => !rolname.startsWith('undrop_read_'))
    .map(({ rolname }) => ({ name: rolname, action: 'locked' }))
}

/** Makes a role that cannot log in where it is missing. */
export async function ensureGroup(client: pg.Client, name: string): Promise<void> {
  const role = escapeIdentifier(name)
  if (!(await hasRole(client, name))) await client.query(`CREATE ROLE ${role} NOLOGIN ${ORDINARY}`)
}

export async function hasRole(client: pg.Client, name: string): Promise<boolean> {
  const found = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [name])
  return found.rowCount === 1
}

export async function inTransaction<Result>(client: pg.Client, work: () => Promise<Result>): Promise<Result> {
  await client.query('BEGIN')
  try {
    const result = await work()
    await client.query('COMMIT')
    return result
  } catch (error) {
    await client.query('ROLLBACK')
    throw error
  }
}
