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

/** Whether a client with these credentials gets a session. */
export async function canLogIn(login: ClientLogin): Promise<boolean> {
  const client = new pg.Client({ ...login, connectionTimeoutMillis: 2000, application_name: 'undrop' })
  client.on('error', () => {})
  const admitted = await succeeds(() => client.connect())
  await client.end().catch(() => {})
  return admitted
}

async function succeeds(attempt: () => Promise<unknown>): Promise<boolean> {
  try {
    await attempt()
    return true
  } catch {
    return false
  }
}
