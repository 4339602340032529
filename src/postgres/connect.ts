import pg from 'pg'
import { ADMIN_ROLE } from '../domain/admin-role.ts'

export interface AdminConnection {
  socketDirectory: string
  port: number
  /** `postgres` unless said otherwise. */
  database?: string
}

const CONNECT_TIMEOUT_MS = 5000

/**
 * A database's owner can set any of these on the database; as start-up options ours win (PostgreSQL manual, 20.1.3).
 * `session_replication_role` keeps event triggers from firing.
 */
const SESSION_SETTINGS = {
  role: 'none',
  default_transaction_read_only: 'off',
  default_transaction_isolation: 'read\\ committed',
  statement_timeout: '0',
  lock_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  idle_session_timeout: '0',
  search_path: 'pg_catalog,pg_temp',
  session_replication_role: 'replica',
  // A library that is missing, or is the tenant's choice, would keep us out or run with our rights.
  local_preload_libraries: '',
  session_preload_libraries: '',
  standard_conforming_strings: 'on',
  synchronous_commit: 'on',
  TimeZone: 'UTC',
  DateStyle: 'ISO',
  log_statement: 'none',
  log_min_duration_statement: '-1',
}

/** Of every session of our admin, for programs as `PGOPTIONS`. */
export const SESSION_OPTIONS = Object.entries(SESSION_SETTINGS)
  .map(([name, value]) => `-c ${name}=${value}`)
  .join(' ')

/**
 * Runs `use` with a session of our admin over the private socket; the session always ends.
 * @param queryTimeoutSeconds after which a query fails, also when the server says nothing at all; as long as it takes
 * unless said otherwise
 */
export async function withAdmin<Result>(
  connection: AdminConnection,
  use: (client: pg.Client) => Promise<Result>,
  { queryTimeoutSeconds = 0 } = {},
): Promise<Result> {
  const client = new pg.Client({
    host: connection.socketDirectory,
    port: connection.port,
    database: connection.database ?? 'postgres',
    user: ADMIN_ROLE,
    application_name: 'undrop',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: queryTimeoutSeconds * 1000,
    // The server ends it too, as far as it can: sessions that nobody waits for must not pile up.
    options: `${SESSION_OPTIONS} -c statement_timeout=${queryTimeoutSeconds * 1000}`,
  })
  // A server that goes away ends the query in hand with an error; the event itself must not end the process.
  client.on('error', () => {})
  try {
    await client.connect()
    return await use(client)
  } finally {
    await client.end().catch(() => {})
  }
}
