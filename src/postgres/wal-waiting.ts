import type pg from 'pg'

export interface WalWaiting {
  /** Since the oldest WAL that waits has been complete; 0 when none waits. */
  oldestSeconds: number
  bytes: number
}

/** WAL that is complete and not archived: PostgreSQL keeps a `.ready` file for each segment. */
export async function walWaiting(client: pg.Client): Promise<WalWaiting> {
  const { rows } = await client.query<WalWaiting>(
    `SELECT coalesce(greatest(extract(epoch FROM clock_timestamp() - min(status.modification)), 0), 0)::float8
              AS "oldestSeconds",
            coalesce(sum(wal.size), 0)::float8 AS bytes
     FROM pg_ls_archive_statusdir() AS status LEFT JOIN pg_ls_waldir() AS wal ON status.name = wal.name || '.ready'
     WHERE status.name LIKE '%.ready'`,
  )
  return rows[0] ?? { oldestSeconds: 0, bytes: 0 }
}
