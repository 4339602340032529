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
  /** Age of the oldest WAL that waits to be archived; null while unknown. */
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
  /** Age of the oldest WAL that waited to be archived when it was last looked at; null when it never was. */
  lag: { seconds: number | null; observedAt: Moment | null }
  gaps: readonly WalGap[]
}

/** How far a client's clock may be ahead. */
const CLOCK_SKEW_SECONDS = 5

/**
 * While archiving goes on `latest` is now: a restore first archives what has been committed (pitfall 3). Nothing beyond
 * WAL that is missing can be reached until a later base backup has made up for it.
 */
export function recoveryWindow(
  { status, protection, backups, lastCommit, lag, gaps }: ArchiveFacts,
  now: Moment,
): RecoveryWindow {
  const earliest = earliestAfter(backups)
  const flowing = status === 'available' && protection !== 'stalled' ? now : lastCommit
  const reachable = earlierOf(flowing, gaps.find(({ to }) => to === null)?.from ?? null)
  return {
    earliest,
    latest: earliest === null ? null : reachable,
    lastCommit,
    archiveLagSeconds: lagAt(lag, now),
    gaps,
    histories: historiesOf(backups),
    observedAt: now,
  }
}

/** What waits grows older; an archive that had everything is not behind. */
function lagAt({ seconds, observedAt }: ArchiveFacts['lag'], now: Moment): number | null {
  if (seconds === null || observedAt === null || seconds === 0) return seconds
  return seconds + Math.max(0, secondsBetween(observedAt, now))
}

/**
 * @throws Problem `not-protected-yet` while there is no complete backup, `target-before-window`, `target-in-future` and
 * `target-in-gap` with the window's ends, and the gap, as extensions.
 */
export function assertRestorable(
  target: RestoreTarget,
  { earliest, latest, gaps }: RecoveryWindow,
  now: Moment,
): void {
  if (earliest === null) throw new Problem('not-protected-yet')
  const extensions = { earliest, latest }
  if ('time' in target) {
    if (target.time < earliest) throw new Problem('target-before-window', { extensions })
    if (target.time > addSeconds(now, CLOCK_SKEW_SECONDS))
      throw new Problem('target-in-future', { extensions })
  }
  const gap = gapAround(target, gaps)
  if (gap !== undefined) throw targetInGap(gap, { earliest, latest })
}

export function targetInGap(gap: WalGap, { earliest, latest }: Pick<RecoveryWindow, 'earliest' | 'latest'>) {
  return new Problem('target-in-gap', { extensions: { earliest, latest, gap } })
}

/** The end of WAL lies behind a gap that nothing has made up for. */
function gapAround(target: RestoreTarget, gaps: readonly WalGap[]): WalGap | undefined {
  if ('time' in target)
    return gaps.find(({ from, to }) => from < target.time && (to === null || target.time < to))
  return 'latest' in target ? gaps.find(({ to }) => to === null) : undefined
}

const earlierOf = (one: Moment | null, other: Moment | null): Moment | null =>
  one === null || other === null ? (one ?? other) : one < other ? one : other

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
