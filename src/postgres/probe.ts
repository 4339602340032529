import pg, { type QueryConfig } from 'pg'
import type { ClientLogin } from './admission.ts'

export type ProbeResult =
  | { passed: true }
  /** `code` is an SQLSTATE; what the server says in words may quote rows. */
  | { passed: false; why: 'no-row' | 'null' | 'false' | 'error'; code?: string }

const TIMEOUT_SECONDS = 300
/** As start-up options they win over what the role or the database sets (PostgreSQL manual, 20.1.3). */
const OPTIONS = `-c default_transaction_read_only=on -c statement_timeout=${TIMEOUT_SECONDS}s -c lock_timeout=10s`

/**
 * Runs a tenant's query with the tenant's own login: the query can undo whatever a session of ours would have given up.
 * It is one statement, and only its first row comes here.
 */
export async function runProbe(login: ClientLogin, query: string): Promise<ProbeResult> {
  const client = new pg.Client({
    ...login,
    options: OPTIONS,
    application_name: 'undrop',
    connectionTimeoutMillis: 5000,
    // For the case that the server has no answer at all.
    query_timeout: (TIMEOUT_SECONDS + 10) * 1000,
  })
  client.on('error', () => {})
  try {
    await client.connect()
    await client.query('BEGIN READ ONLY')
    await client.query(oneStatement(`DECLARE probe NO SCROLL CURSOR FOR ${query}`))
    const { rows } = await client.query<unknown[]>({ text: 'FETCH 1 FROM probe', rowMode: 'array' })
    return resultOf(rows[0])
  } catch (error) {
    if (error instanceof pg.DatabaseError && error.code !== undefined && !error.code.startsWith('57P'))
      return { passed: false, why: 'error', code: error.code }
    throw error
  } finally {
    await client.end().catch(() => {})
  }
}

/** The extended protocol takes a single one; the types do not know the option. */
const oneStatement = (text: string) => ({ text, queryMode: 'extended' }) as QueryConfig

function resultOf(row: unknown[] | undefined): ProbeResult {
  if (row === undefined) return { passed: false, why: 'no-row' }
  const [first] = row
  if (first === null || first === undefined) return { passed: false, why: 'null' }
  return first === false ? { passed: false, why: 'false' } : { passed: true }
}
