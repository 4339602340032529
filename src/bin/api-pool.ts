import type { MetadataConnection } from '../db/client.ts'

/** Beside the requests at work: health checks, and metrics. */
const SPARE_CONNECTIONS = 2
const SECOND = 1000

/**
 * How the API reaches the metadata database: no request waits for ever for a connection, a lock or a statement, and
 * none that has died in the middle keeps its locks.
 */
export function apiPool(metadata: MetadataConnection, requestsAtWork: number): [MetadataConnection, number] {
  const limits = {
    connectionTimeoutMillis: 5 * SECOND,
    statement_timeout: 10 * SECOND,
    lock_timeout: 5 * SECOND,
    idle_in_transaction_session_timeout: 15 * SECOND,
  }
  return [{ ...metadata, pool: { ...metadata.pool, ...limits } }, requestsAtWork + SPARE_CONNECTIONS]
}
