import type pg from 'pg'
import type { Moment } from '../domain/moment.ts'

/** Commit time of the server's last transaction; null when it has had none since its start. Only reads. */
export async function lastCommitOf(client: pg.Client): Promise<Moment | null> {
  const { rows } = await client.query<{ at: Moment | null }>(
    `SELECT to_char(timestamp AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at FROM pg_last_committed_xact()`,
  )
  return rows[0]?.at ?? null
}
