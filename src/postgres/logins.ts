import pg from 'pg'
import type { LimitedAccess } from '../domain/credential.ts'
import type { Moment } from '../domain/moment.ts'
import { GROUPS, type Grant, grantAccess } from './grants.ts'
import { hasRole, inTransaction, ORDINARY } from './roles.ts'
import { isVerifierOf, scramVerifier } from './scram.ts'
import type { OpenAdmin } from './side-effects.ts'

const { escapeIdentifier, escapeLiteral } = pg

interface NewLogin extends Grant {
  username: string
  /** From `scramVerifier`. */
  verifier: string
  access: LimitedAccess
}

/** Makes a login with its rights, on a session in the add-on's database. May be repeated. */
export function createLogin(
  client: pg.Client,
  { username, verifier, access, ...grant }: NewLogin,
): Promise<void> {
  return inTransaction(client, async () => {
    const role = escapeIdentifier(username)
    await giveRights(client, access, grant)
    if (!(await hasRole(client, username))) await client.query(`CREATE ROLE ${role}`)
    await client.query(`ALTER ROLE ${role} WITH LOGIN ${ORDINARY} PASSWORD ${escapeLiteral(verifier)}`)
    await client.query(`GRANT ${GROUPS[access]} TO ${role}`)
  })
}

/** Gives logins that came with the data, or have just been made, their rights. May be repeated. */
export function admitLogins(
  client: pg.Client,
  logins: readonly { username: string; access: LimitedAccess }[],
  grant: Grant,
): Promise<void> {
  return inTransaction(client, async () => {
    for (const access of new Set(logins.map((login) => login.access))) await giveRights(client, access, grant)
    for (const { username, access } of logins)
      await client.query(`GRANT ${GROUPS[access]} TO ${escapeIdentifier(username)}`)
  })
}

async function giveRights(client: pg.Client, access: LimitedAccess, grant: Grant): Promise<void> {
  // Whoever waits for a lock of the tenant's holds up the tenant.
  await client.query(`SET LOCAL lock_timeout = '5s'`)
  await grantAccess(client, access, grant)
}

export interface Rotation {
  username: string
  next: string
  verifier: string
  /** How long the old login goes on to work. */
  overlapSeconds: number
  /** Logins that earlier rotations have replaced, where they still exist. */
  older: readonly string[]
}

/** By the server's clock. */
export interface Rotated {
  /** Sessions of the login that began before were opened by the old one. */
  replacedAt: Moment
  /** When the old login ends; none that is older ends later. */
  validUntil: Moment
}

/**
 * Gives a login another name and password. The role itself goes on under its new name, with all that it owns and may,
 * and its settings. Under the old name and password there is, for the time of the overlap, a login that acts as that role, so
 * that what it makes belongs to the role; PostgreSQL itself refuses it after that (`VALID UNTIL`). One transaction; may
 * be repeated.
 */
export async function rotateLogin(client: pg.Client, rotation: Rotation): Promise<Rotated> {
  await inTransaction(client, async () => {
    if (await hasRole(client, rotation.next)) return
    await replace(client, rotation)
  })
  const { rows } = await client.query<{ replacedAt: Moment; validUntil: Moment | null }>(
    `SELECT ${asMoment('clock_timestamp()')} AS "replacedAt",
            (SELECT ${asMoment('rolvaliduntil')} FROM pg_roles WHERE rolname = $1) AS "validUntil"`,
    [rotation.username],
  )
  const [{ replacedAt, validUntil } = never()] = rows
  return { replacedAt, validUntil: validUntil ?? replacedAt }
}

async function replace(client: pg.Client, rotation: Rotation): Promise<void> {
  const { username, verifier, overlapSeconds, older } = rotation
  const next = escapeIdentifier(rotation.next)
  const { rows } = await client.query<{ verifier: string | null; until: string }>(
    `SELECT rolpassword AS verifier, (clock_timestamp() + make_interval(secs => $2))::text AS until
       FROM pg_authid WHERE rolname = $1`,
    [username, overlapSeconds],
  )
  const [{ verifier: oldVerifier, until } = never()] = rows
  await client.query(`ALTER ROLE ${escapeIdentifier(username)} RENAME TO ${next}`)
  await client.query(
    `ALTER ROLE ${next} WITH LOGIN PASSWORD ${escapeLiteral(verifier)} VALID UNTIL 'infinity'`,
  )
  if (overlapSeconds > 0 && oldVerifier !== null) await standIn(client, rotation, oldVerifier, until)
  for (const name of older) {
    if (!(await hasRole(client, name))) continue
    // The name that it was to act under is now another role's.
    await client.query(`ALTER ROLE ${escapeIdentifier(name)} SET role = ${next}`)
    await endNoLater(client, name, until)
  }
}

/** A login of the old name. Its session begins as the role that it stands for, with that role's settings. */
async function standIn(
  client: pg.Client,
  rotation: Rotation,
  verifier: string,
  until: string,
): Promise<void> {
  const [role, next] = [escapeIdentifier(rotation.username), escapeIdentifier(rotation.next)]
  await client.query(
    `CREATE ROLE ${role} WITH LOGIN ${ORDINARY} IN ROLE ${next}
     PASSWORD ${escapeLiteral(verifier)} VALID UNTIL ${escapeLiteral(until)}`,
  )
  // Copied as they are: there is no statement that would not evaluate the tenant's text.
  await client.query(
    `INSERT INTO pg_db_role_setting (setdatabase, setrole, setconfig)
     SELECT setdatabase, $1::regrole, setconfig FROM pg_db_role_setting WHERE setrole = $2::regrole`,
    [role, next],
  )
  await client.query(`ALTER ROLE ${role} SET role = ${next}`)
}

async function endNoLater(client: pg.Client, username: string, until: string): Promise<void> {
  const later = await client.query(
    'SELECT FROM pg_roles WHERE rolname = $1 AND (rolvaliduntil IS NULL OR rolvaliduntil > $2)',
    [username, until],
  )
  if (later.rowCount === 0) return
  await client.query(`ALTER ROLE ${escapeIdentifier(username)} VALID UNTIL ${escapeLiteral(until)}`)
}

/** Whose sessions are to end: those of these logins, and those of the present one that an old one has opened. */
export interface Ending {
  usernames: readonly string[]
  successor: { username: string; password: string; olderThan: Moment } | null
}

/**
 * Locks the logins and asks their sessions to end. Every session may change the password of its own role, so whoever knew
 * an old login could have changed the present one's: then it is set again, and every session of it ends too.
 * May be repeated, until it returns 0: how many sessions there were.
 */
export async function endSessions(client: pg.Client, { usernames, successor }: Ending): Promise<number> {
  for (const username of usernames) {
    if (await hasRole(client, username))
      await client.query(`ALTER ROLE ${escapeIdentifier(username)} WITH NOLOGIN PASSWORD NULL`)
  }
  const isKept = successor === null || (await hasPassword(client, successor))
  if (!isKept) await setPassword(client, successor)
  const { rowCount } = await client.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE usename = ANY ($1) OR (usename = $2 AND ($3 OR backend_start < $4::timestamptz))`,
    [usernames, successor?.username ?? null, !isKept, successor?.olderThan ?? null],
  )
  return rowCount ?? 0
}

async function hasPassword(
  client: pg.Client,
  { username, password }: { username: string; password: string },
): Promise<boolean> {
  const { rows } = await client.query<{ verifier: string | null }>(
    'SELECT rolpassword AS verifier FROM pg_authid WHERE rolname = $1',
    [username],
  )
  return isVerifierOf(rows[0]?.verifier ?? null, password)
}

async function setPassword(
  client: pg.Client,
  { username, password }: { username: string; password: string },
): Promise<void> {
  const verifier = escapeLiteral(scramVerifier(password))
  await client.query(`ALTER ROLE ${escapeIdentifier(username)} PASSWORD ${verifier}`)
}

/**
 * Drops logins that nobody is logged in with. What they own, in whatever database, is the owner's from then on, and open
 * to those who may read the owner's. May be repeated.
 */
export async function dropLogins(
  openAdmin: OpenAdmin,
  usernames: readonly string[],
  { databaseName, owner }: Grant,
): Promise<void> {
  for (const username of usernames) {
    const databases = await openAdmin('postgres', (client) => databasesOf(client, username))
    for (const database of databases)
      await openAdmin(database, (client) =>
        inTransaction(client, async () => {
          await client.query(`SET LOCAL lock_timeout = '5s'`)
          await client.query(`REASSIGN OWNED BY ${escapeIdentifier(username)} TO ${escapeIdentifier(owner)}`)
          await client.query(`DROP OWNED BY ${escapeIdentifier(username)}`)
          if (database === databaseName) await refreshGroups(client, { databaseName, owner })
        }),
      )
    await openAdmin('postgres', (client) => client.query(`DROP ROLE IF EXISTS ${escapeIdentifier(username)}`))
  }
}

async function refreshGroups(client: pg.Client, grant: Grant): Promise<void> {
  for (const access of ['read-only', 'read-write'] as const) {
    if (await hasRole(client, GROUPS[access])) await grantAccess(client, access, grant)
  }
}

/** Where something depends on the role; what is shared by all databases can be given away from any. */
async function databasesOf(client: pg.Client, username: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT DISTINCT coalesce(datname, 'postgres') AS name
       FROM pg_shdepend LEFT JOIN pg_database ON pg_database.oid = dbid
      WHERE refclassid = 'pg_authid'::regclass AND refobjid = (SELECT oid FROM pg_roles WHERE rolname = $1)`,
    [username],
  )
  return rows.map(({ name }) => name)
}

const asMoment = (expression: string) =>
  `to_char(${expression} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`

function never(): never {
  throw new Error('the login is not there')
}
