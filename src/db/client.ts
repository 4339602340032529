import { Kysely, PostgresDialect, type Transaction } from 'kysely'
import pg from 'pg'
import { preparingPool } from './prepared.ts'
import type { Metadata } from './schema.ts'
import type { TenantScope } from './tenant-scope.ts'

export type Db = Kysely<Metadata>
/** A database or a transaction on it: what a query needs to know of where it runs. */
export type Executor = Kysely<Metadata> | Transaction<Metadata>
export type Tx = Transaction<Metadata>

const TIMESTAMPTZ = 1184
const INT8 = 20

const types: pg.CustomTypesConfig = {
  getTypeParser(oid, format) {
    // Moments keep their microseconds, which a JavaScript date would cut.
    if (oid === TIMESTAMPTZ) return readMoment
    if (oid === INT8) return Number
    return pg.types.getTypeParser(oid, format as 'text') as (text: string) => unknown
  },
}

const OF_SESSION = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?\+00$/

/** What PostgreSQL prints needs no check; only its shape is another. Infinity, and years of more digits, stay as they are. */
function readMoment(text: string): string {
  const [, date, time, fraction = ''] = OF_SESSION.exec(text) ?? []
  return date === undefined ? text : `${date}T${time}.${fraction.padEnd(6, '0')}Z`
}

/** How to reach the metadata database, and as whom: `role` is assumed by every session. */
export interface MetadataConnection {
  pool: pg.PoolConfig
  role: 'undrop_migrator' | 'undrop_api' | 'undrop_worker'
}

export function openPool({ pool, role }: MetadataConnection, max = 10): pg.Pool {
  const opened = new pg.Pool({
    max,
    ...pool,
    types,
    // Sessions read and write UTC, so that a moment has one text form.
    options: `-c role=${role} -c TimeZone=UTC -c DateStyle=ISO -c search_path=undrop`,
  })
  // A session that is lost fails the query in hand; as an event that nobody hears it would end the process.
  opened.on('connect', (client) => client.on('error', () => {}))
  opened.on('error', () => {})
  return opened
}

export function openDb(pool: pg.Pool): Db {
  return new Kysely<Metadata>({ dialect: new PostgresDialect({ pool }) })
}

/**
 * The metadata database as a session sees it that has no tenant: nobody's rows. Costs nothing to open; a pool that is
 * used for nothing else saves the round trips in which sessions leave their tenants.
 */
export function unenteredDb(pool: pg.Pool): Db {
  const sessions = preparingPool(pool, (client) => enter(client, NOBODY))
  return new Kysely<Metadata>({ dialect: new PostgresDialect({ pool: sessions }) })
}

/** What a session of the API sees that is new. */
const NOBODY = ''
/** Which tenant's rows a session of the API sees. Sessions are new to each pool, and nobody else sets it. */
const tenantOfSession = new WeakMap<pg.PoolClient, string>()

/**
 * The metadata database as far as the scope reaches: row-level security hides the rest from whatever is queried
 * (migrations/0003_tenant_wall.sql). Costs nothing to open; the pool stays with whoever opened it.
 */
export function scopedDb(pool: pg.Pool, scope: TenantScope): Db {
  const tenant = scope === 'every-tenant' ? '*' : scope.tenantId
  const sessions = preparingPool(pool, (client) => enter(client, tenant))
  return new Kysely<Metadata>({ dialect: new PostgresDialect({ pool: sessions }) })
}

/** For the session and not for a transaction, which would cost two round trips more on every read. */
async function enter(client: pg.PoolClient, tenant: string): Promise<void> {
  if ((tenantOfSession.get(client) ?? NOBODY) === tenant) return
  tenantOfSession.delete(client)
  const text = `select set_config('undrop.tenant', $1, false)`
  await client.query({ name: 'enter-tenant', text, values: [tenant] })
  tenantOfSession.set(client, tenant)
}
