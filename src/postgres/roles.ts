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

interface NewIdentity {
  fromUsername: string
  username: string
  verifier: string
}

const ORDINARY = 'NOSUPERUSER NOCREATEROLE NOCREATEDB NOREPLICATION NOBYPASSRLS'

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
 * Makes every credential of the parent useless on a restored server (pitfall 10): the owner gets another name and
 * password, and no other role but our own can log in. One transaction; may be repeated.
 */
export async function secureRoles(client: pg.Client, identity: NewIdentity): Promise<SecuredRole[]> {
  await client.query('BEGIN')
  try {
    await renameOwner(client, identity)
    const locked = await lockOtherRoles(client, identity.username)
    await client.query('COMMIT')
    return [{ name: identity.fromUsername, action: 'renamed' }, ...locked]
  } catch (error) {
    await client.query('ROLLBACK')
    throw error
  }
}

async function renameOwner(
  client: pg.Client,
  { fromUsername, username, verifier }: NewIdentity,
): Promise<void> {
  const role = escapeIdentifier(username)
  if (fromUsername !== username && (await hasRole(client, fromUsername))) {
    await makeWay(client, username)
    await client.query(`ALTER ROLE ${escapeIdentifier(fromUsername)} RENAME TO ${role}`)
  }
  await client.query(
    `ALTER ROLE ${role} WITH LOGIN ${ORDINARY} CONNECTION LIMIT -1 VALID UNTIL 'infinity'
     PASSWORD ${escapeLiteral(verifier)}`,
  )
}

/** New names are random, so this never happens; if it does, the restore must not fail on it. */
async function makeWay(client: pg.Client, username: string): Promise<void> {
  if (!(await hasRole(client, username))) return
  const spare = `displaced_${randomBytes(8).toString('hex')}`
  await client.query(`ALTER ROLE ${escapeIdentifier(username)} RENAME TO ${escapeIdentifier(spare)}`)
}

async function lockOtherRoles(client: pg.Client, username: string): Promise<SecuredRole[]> {
  const others = await client.query<{ rolname: string }>(
    `SELECT rolname FROM pg_roles
     WHERE rolname <> ALL ($1) AND NOT starts_with(rolname, 'pg_') ORDER BY rolname`,
    [[username, ADMIN_ROLE]],
  )
  for (const { rolname } of others.rows) {
    await client.query(`ALTER ROLE ${escapeIdentifier(rolname)} WITH NOLOGIN NOREPLICATION PASSWORD NULL`)
  }
  return others.rows.map(({ rolname }) => ({ name: rolname, action: 'locked' }))
}

async function hasRole(client: pg.Client, name: string): Promise<boolean> {
  const found = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [name])
  return found.rowCount === 1
}
