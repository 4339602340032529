import { type MetadataConnection, openPool } from '../db/client.ts'

/** Beside the requests at work: streams of events, and metrics. */
const SPARE_CONNECTIONS = 2
/** For finding out who calls, one question at a time, and for health checks. */
const UNENTERED_CONNECTIONS = 2
const SECOND = 1000

/**
 * How the API reaches the metadata database: no request waits for ever for a connection, a lock or a statement, and
 * none that has died in the middle keeps its locks.
 */
export function apiPools(
  metadata: MetadataConnection,
  requestsAtWork: number,
  onError: (err: Error) => void,
) {
  const limits = {
    connectionTimeoutMillis: 5 * SECOND,
    statement_timeout: 10 * SECOND,
    lock_timeout: 5 * SECOND,
    idle_in_transaction_session_timeout: 15 * SECOND,
  }
  const limited = { ...metadata, pool: { ...metadata.pool, ...limits } }
  const pools = {
    pool: openPool(limited, requestsAtWork + SPARE_CONNECTIONS),
    /** Its sessions see no tenant's rows. */
    unenteredPool: openPool(limited, UNENTERED_CONNECTIONS),
  }
  for (const pool of Object.values(pools)) pool.on('error', onError)
  return pools
}
