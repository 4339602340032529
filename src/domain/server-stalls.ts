import { type Moment, secondsBetween } from './moment.ts'
import type { StallCode } from './protection.ts'
import type { FoundStall, StallReport } from './stalls.ts'

/** What PostgreSQL's archiver says of itself. */
export interface ArchiverReport {
  lastArchivedSegment: string | null
  lastArchivedAt: Moment | null
  lastFailedAt: Moment | null
}

export interface ServerObservation {
  archiver: ArchiverReport
  /** WAL that is complete and not archived. */
  waiting: { oldestSeconds: number; bytes: number }
  /** Of the disk that the data is on. */
  disk: { totalBytes: number; freeBytes: number }
  /** The server's clock. */
  now: Moment
}

/** An archiver that has only failed for this long is stalled. */
const FAILING_SECONDS = 60
/** A segment is archived within a second, and begun every minute (`archive_timeout`). */
export const LAGGING_SECONDS = 120
/** Nobody's disk fills because of WAL that a moment later is archived. */
const WAITING_SECONDS = 30
const FREE_SHARE_MIN = 0.1
/** While that much more can come, there is time to act. */
const FREE_PER_WAITING_MIN = 3

const COVERS: readonly StallCode[] = ['server-lost', 'archiving-failing', 'archive-lagging', 'disk-filling']

const found = (code: StallCode, detail: string): FoundStall => ({ code, detail })

/** Of a server whose data directory is gone. Only its archive is left: nothing can be added to that. */
export const lostServer = (): StallReport => ({
  covers: COVERS,
  found: [found('server-lost', 'The files of the server are gone from its host; only its archive is left.')],
})

/** Of a server that answers. */
export function stallsOfServer(seen: ServerObservation): StallReport {
  const stalls: FoundStall[] = []
  if (failsForLong(seen))
    stalls.push(found('archiving-failing', `Archiving has only failed for more than ${FAILING_SECONDS} s.`))
  if (seen.waiting.oldestSeconds > LAGGING_SECONDS)
    stalls.push(
      found('archive-lagging', `WAL has been waiting to be archived for more than ${LAGGING_SECONDS} s.`),
    )
  if (walFillsDisk(seen))
    stalls.push(
      found('disk-filling', 'WAL that waits to be archived fills the disk, and there is little room left.'),
    )
  return { covers: COVERS, found: stalls }
}

/** Whether the archiver's last attempt has failed. PostgreSQL lets it rest up to a minute then. */
export function archiverRests({ lastArchivedAt, lastFailedAt }: ArchiverReport): boolean {
  return lastFailedAt !== null && (lastArchivedAt === null || lastArchivedAt <= lastFailedAt)
}

/** A crash has PostgreSQL forget what it archived, and an idle server archives nothing: WAL has to wait, too. */
function failsForLong({ archiver, waiting, now }: ServerObservation): boolean {
  if (!archiverRests(archiver) || waiting.oldestSeconds < FAILING_SECONDS) return false
  const { lastArchivedAt } = archiver
  return lastArchivedAt === null || secondsBetween(lastArchivedAt, now) > FAILING_SECONDS
}

function walFillsDisk({ waiting, disk }: ServerObservation): boolean {
  if (waiting.oldestSeconds < WAITING_SECONDS) return false
  return (
    disk.freeBytes < disk.totalBytes * FREE_SHARE_MIN || disk.freeBytes < waiting.bytes * FREE_PER_WAITING_MIN
  )
}
