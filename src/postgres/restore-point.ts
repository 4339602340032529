import type pg from 'pg'
import type { Moment } from '../domain/moment.ts'

interface MadePoint {
  /** The end of its record. */
  lsn: string
  madeAt: Moment
  /** The segment that must be archived for recovery to see it. */
  segment: string
}

/**
 * Makes a restore point and ends its WAL segment, which also writes it to disk.
 * @param name at most 63 bytes, and new: recovery stops at the first point of a name (PostgreSQL manual, 20.5.5)
 */
export async function makeRestorePoint(client: pg.Client, name: string): Promise<MadePoint> {
  const made = await client.query<{ lsn: string; madeAt: Moment }>(
    `SELECT pg_create_restore_point($1) AS lsn,
            to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS "madeAt"`,
    [name],
  )
  // The location is the first byte after the segment, unless somebody has begun the next one.
  const switched = await client.query<{ segment: string }>(
    'SELECT pg_walfile_name(pg_switch_wal() - 1) AS segment',
  )
  const [[point], [end]] = [made.rows, switched.rows]
  if (point === undefined || end === undefined) throw new Error('the server answered without a row')
  return { ...point, segment: end.segment }
}
