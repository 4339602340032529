import pg from 'pg'
import { waitUntil } from '../lib/wait-until.ts'
import { type AdminConnection, withAdmin } from './connect.ts'

/** Waits until the server admits our own admin; false when it does not within the time. */
export function untilAdmitted(connection: AdminConnection, timeoutSeconds: number): Promise<boolean> {
  return waitUntil(() => succeeds(() => withAdmin(connection, (client) => client.query('SELECT 1'))), {
    timeoutSeconds,
    everyMilliseconds: 10,
  })
}

/** A client's way in: over the network, by password. */
export interface ClientLogin {
  host: string
  port: number
  user: string
  password: string
  database: string
}

/** SQLSTATE of a refusal before or by authentication: class 28, a server that does not accept connections yet. */
const NOT_ADMITTED = /^(28...|57P0.)$/
const SQLSTATE = /^[0-9A-Z]{5}$/

/**
 * Whether the server takes these credentials. What it may find wrong with the session after that is the tenant's own: a
 * role's missing `local_preload_libraries`, a database's connection limit or revoked CONNECT came with the data.
 */
export async function canLogIn(login: ClientLogin): Promise<boolean> {
  const client = new pg.Client({ ...login, connectionTimeoutMillis: 2000, application_name: 'undrop' })
  client.on('error', () => {})
  try {
    await client.connect()
    return true
  } catch (error) {
    const code = error instanceof pg.DatabaseError ? (error.code ?? '') : ''
    return SQLSTATE.test(code) && !NOT_ADMITTED.test(code)
  } finally {
    await client.end().catch(() => {})
  }
}

async function succeeds(attempt: () => Promise<unknown>): Promise<boolean> {
  try {
    await attempt()
    return true
  } catch {
    return false
  }
}
