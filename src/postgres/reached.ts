import type pg from 'pg'
import type { Moment } from '../domain/moment.ts'
import { parseHistory } from './history.ts'

/** What a server that has just left recovery says of itself. */
export interface RecoveredState {
  inRecovery: boolean
  timeline: number
  /** Where its own timeline begins: the end of the WAL that was replayed. */
  lsn: string
  /** The last transaction that was replayed; null when none was since the base backup. */
  xid: string | null
  time: Moment | null
  databases: string[]
}

/** To be asked before anything is committed on the server, as it remembers only the last commit. */
export async function readRecovered(client: pg.Client): Promise<RecoveredState> {
  const { rows } = await client.query<Omit<RecoveredState, 'lsn' | 'timeline'> & { segment: string | null }>(`
    SELECT pg_is_in_recovery() AS "inRecovery", last.xid::text AS xid,
           to_char(last.timestamp AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS time,
           CASE WHEN NOT pg_is_in_recovery() THEN pg_walfile_name(pg_current_wal_insert_lsn()) END AS segment,
           ARRAY(SELECT datname::text FROM pg_database) AS databases
      FROM pg_last_committed_xact() AS last`)
  const [state] = rows
  if (state === undefined) throw new Error('the server answered without a row')
  const { segment, ...rest } = state
  if (segment === null) return { ...rest, timeline: 0, lsn: '0/0' }
  const timeline = Number.parseInt(segment.slice(0, 8), 16)
  const history = await client.query<{ text: string }>('SELECT pg_read_file($1) AS text', [
    `pg_wal/${segment.slice(0, 8)}.history`,
  ])
  const lsn = parseHistory(history.rows[0]?.text ?? '').at(-1)?.switchLsn
  if (lsn === undefined) throw new Error(`the history of timeline ${timeline} is empty`)
  return { ...rest, timeline, lsn }
}
