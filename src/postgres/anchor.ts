import type pg from 'pg'
import type { Moment } from '../domain/moment.ts'
import { toRecoveryTargetTime } from '../domain/moment.ts'
import { parseSegment } from '../domain/wal-segment.ts'

interface Anchor {
  /** Commit time of the marker. */
  committedAt: Moment
  /** The segment that must be archived for recovery to see the marker. */
  segment: string
}

export interface ArchiverState {
  lastArchivedSegment: string | null
  lastArchivedAt: Moment | null
  failedCount: number
  lastFailedSegment: string | null
  lastFailedAt: Moment | null
}

/**
 * Commits a marker later than `moment` on the server's own clock and ends its WAL segment, so that recovery to
 * `moment` finds a commit to stop before. Only a commit will do: recovery looks at no time of other records (L1).
 *
 * @throws RangeError when the server's clock is more than `maxWaitSeconds` behind `moment`.
 */
export async function commitMarkerAfter(
  client: pg.Client,
  moment: Moment,
  { maxWaitSeconds = 10 }: { maxWaitSeconds?: number } = {},
): Promise<Anchor> {
  let committedAt: Moment
  do {
    await waitForClock(client, moment, maxWaitSeconds)
    committedAt = await commitMarker(client)
    // A clock that was set back in between would make the marker too early.
  } while (committedAt <= moment)
  // The location is the first byte after the segment, unless somebody has begun the next one.
  const { rows } = await client.query<{ segment: string }>(
    'SELECT pg_walfile_name(pg_switch_wal() - 1) AS segment',
  )
  return { committedAt, segment: onlyRow(rows).segment }
}

/** Where the server's next WAL record will begin. */
export async function insertLsn(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ lsn: string }>('SELECT pg_current_wal_insert_lsn() AS lsn')
  return onlyRow(rows).lsn
}

/** The server's clock now. */
export async function serverClock(client: pg.Client): Promise<Moment> {
  const { rows } = await client.query<{ now: Moment }>(`SELECT ${asMoment('clock_timestamp()')} AS now`)
  return onlyRow(rows).now
}

export async function archiverState(client: pg.Client): Promise<ArchiverState> {
  const { rows } = await client.query<ArchiverState>(
    `SELECT last_archived_wal AS "lastArchivedSegment", ${asMoment('last_archived_time')} AS "lastArchivedAt",
            failed_count::integer AS "failedCount",
            last_failed_wal AS "lastFailedSegment", ${asMoment('last_failed_time')} AS "lastFailedAt"
     FROM pg_stat_archiver`,
  )
  const state = onlyRow(rows)
  return {
    ...state,
    lastArchivedSegment: segmentBehind(state.lastArchivedSegment),
    lastFailedSegment: segmentBehind(state.lastFailedSegment),
  }
}

/** Whether the segment has been archived; PostgreSQL archives the segments of one timeline in order. */
export function isArchived({ lastArchivedSegment }: ArchiverState, segment: string): boolean {
  if (lastArchivedSegment === null) return false
  const last = parseSegment(lastArchivedSegment)
  const wanted = parseSegment(segment)
  return last.timeline === wanted.timeline && last.number >= wanted.number
}

async function waitForClock(client: pg.Client, moment: Moment, maxWaitSeconds: number): Promise<void> {
  for (;;) {
    const { rows } = await client.query<{ behind: number }>(
      'SELECT extract(epoch FROM $1::timestamptz - clock_timestamp())::float8 AS behind',
      [toRecoveryTargetTime(moment)],
    )
    const { behind } = onlyRow(rows)
    if (behind < 0) return
    if (behind > maxWaitSeconds) throw new RangeError(`the server's clock is ${behind} s behind ${moment}`)
    await client.query('SELECT pg_sleep($1)', [behind + 0.001])
  }
}

async function commitMarker(client: pg.Client): Promise<Moment> {
  const marker = await client.query<{ xid: string }>(
    `SELECT pg_logical_emit_message(true, 'undrop', 'anchor'), pg_current_xact_id()::xid::text AS xid`,
  )
  const { rows } = await client.query<{ at: Moment }>(
    `SELECT ${asMoment('pg_xact_commit_timestamp($1::xid)')} AS at`,
    [onlyRow(marker.rows).xid],
  )
  return onlyRow(rows).at
}

/** The archiver reports history and `.partial` files too; a backup's label file follows the segment it is named after. */
function segmentBehind(fileName: string | null): string | null {
  return /^([0-9A-F]{24})(\.[0-9A-F]{8}\.backup)?$/.exec(fileName ?? '')?.[1] ?? null
}

function asMoment(expression: string): string {
  return `to_char(${expression} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
}

function onlyRow<Row>(rows: readonly Row[]): Row {
  const [row] = rows
  if (row === undefined) throw new Error('the server answered without a row')
  return row
}
