import type { AddonStatus, Protection } from './addon.ts'
import { addSeconds, type Moment, secondsBetween } from './moment.ts'
import { Problem } from './problem.ts'
import type { RestoreTarget } from './restore.ts'

/** Which moments an add-on can be brought back to. */
export interface RecoveryWindow {
  /** Null until the first backup is complete. */
  earliest: Moment | null
  /** Null as for `earliest`. */
  latest: Moment | null
  /** Commit time of the last transaction that was seen in the archive. */
  lastCommit: Moment | null
  /** Since the archive last received a segment. It grows on an idle server too, which has nothing to send. */
  archiveLagSeconds: number | null
  gaps: readonly WalGap[]
  /** The timelines with a backup on them, and from when each can be restored. */
  histories: readonly { timeline: number; from: Moment }[]
  observedAt: Moment
}

/** WAL that is missing from the archive. Targets between `from` and `to` cannot be reached. */
export interface WalGap {
  /** The last segment before it that is there. */
  afterSegment: string
  /** The first one after it; null when the archive ends with the gap. */
  beforeSegment: string | null
  missingSegments: number
  /** Up to here WAL is complete. */
  from: Moment
  /** From here on a later base backup makes the gap harmless; null until there is one. */
  to: Moment | null
}

interface CompleteBackup {
  timeline: number | null
  /** Whole seconds: pgBackRest cuts the rest. */
  stoppedAt: Moment
}

export interface ArchiveFacts {
  status: AddonStatus
  protection: Protection
  backups: readonly CompleteBackup[]
  lastCommit: Moment | null
  archivedAt: Moment | null
  gaps: readonly WalGap[]
}

/** How far a client's clock may be ahead. */
const CLOCK_SKEW_SECONDS = 5

/** While archiving goes on `latest` is now: a restore first archives what has been committed (pitfall 3). */
export function recoveryWindow(
  { status, protection, backups, lastCommit, archivedAt, gaps }: ArchiveFacts,
  now: Moment,
): RecoveryWindow {
  const earliest = earliestAfter(backups)
  const reachable = status === 'available' && protection !== 'stalled' ? now : lastCommit
  return {
    earliest,
    latest: earliest === null ? null : reachable,
    lastCommit,
    archiveLagSeconds: archivedAt === null ? null : Math.max(0, secondsBetween(archivedAt, now)),
    gaps,
    histories: historiesOf(backups),
    observedAt: now,
  }
}

/**
 * @throws Problem `not-protected-yet` while there is no complete backup, `target-before-window` and
 * `target-in-future` with the window's ends as extensions.
 */
export function assertRestorable(
  target: RestoreTarget,
  { earliest, latest }: RecoveryWindow,
  now: Moment,
): void {
  if (earliest === null) throw new Problem('not-protected-yet')
  if (!('time' in target)) return
  const extensions = { earliest, latest }
  if (target.time < earliest) throw new Problem('target-before-window', { extensions })
  if (target.time > addSeconds(now, CLOCK_SKEW_SECONDS)) throw new Problem('target-in-future', { extensions })
}

/** A backup is consistent once it has stopped, and it may have stopped at the end of its second (pitfall 6). */
function earliestAfter(backups: readonly CompleteBackup[]): Moment | null {
  const [first] = backups.map((backup) => backup.stoppedAt).sort()
  return first === undefined ? null : addSeconds(first, 1)
}

function historiesOf(backups: readonly CompleteBackup[]): { timeline: number; from: Moment }[] {
  const byTimeline = Map.groupBy(backups, (backup) => backup.timeline)
  return [...byTimeline]
    .flatMap(([timeline, group]) => {
      const from = earliestAfter(group)
      return timeline === null || from === null ? [] : [{ timeline, from }]
    })
    .sort((one, other) => one.timeline - other.timeline)
}
