import { addSeconds, type Moment } from './moment.ts'
import type { WalGap } from './recovery-window.ts'
import { parseSegment, segmentName } from './wal-segment.ts'

/** WAL segments of one timeline that follow one another without a hole. */
export interface WalRun {
  timeline: number
  /** Numbers of the first and the last segment. */
  first: number
  last: number
  /** When the last one was stored. */
  lastStoredAt: Moment
}

/** What a restore can begin with. */
export interface WalBase {
  timeline: number
  startSegment: string
  stoppedAt: Moment
}

/** Adds the next segment of a listing in order of names. A segment that is listed twice counts once. */
export function addToRuns(runs: WalRun[], segment: string, storedAt: Moment): void {
  const { timeline, number } = parseSegment(segment)
  const run = runs.at(-1)
  if (run === undefined || run.timeline !== timeline || number > run.last + 1)
    runs.push({ timeline, first: number, last: number, lastStoredAt: storedAt })
  else if (number > run.last) Object.assign(run, { last: number, lastStoredAt: storedAt })
}

/**
 * Where WAL is missing that some base needs: within each timeline from its oldest base on. A commit is archived after
 * it was made, so what was committed up to the time at which the last segment before a gap was stored is before the gap.
 * Expiry removes WAL before the oldest base; that is no gap.
 *
 * @param runs of a listing, in order
 * @param lastArchived what the server said to have archived before the listing began; null when that is not known
 */
export function walGaps(
  runs: readonly WalRun[],
  bases: readonly WalBase[],
  lastArchived: string | null,
): WalGap[] {
  const end = lastArchived === null ? null : parseSegment(lastArchived)
  return [...Map.groupBy(bases, ({ timeline }) => timeline)]
    .sort(([one], [other]) => one - other)
    .flatMap(([timeline, group]) =>
      gapsOfTimeline(
        runs.filter((run) => run.timeline === timeline),
        oldestOf(group),
        end?.timeline === timeline ? end.number : 0,
      ),
    )
    .map((gap) => ({ ...gap, to: madeUpForAt(gap, bases) }))
}

/** The gaps as they are now that there are other bases than when they were found. */
export function reviseGaps(gaps: readonly WalGap[], bases: readonly WalBase[]): WalGap[] {
  return gaps
    .filter((gap) =>
      bases.some(({ timeline, startSegment }) => {
        const missing = missingIn(gap)
        return timeline === missing.timeline && parseSegment(startSegment).number <= missing.last
      }),
    )
    .map((gap) => ({ ...gap, to: madeUpForAt(gap, bases) }))
}

/** Numbers of the segments that a gap is made of. */
export function missingIn({ afterSegment, missingSegments }: WalGap): WalRange {
  const { timeline, number } = parseSegment(afterSegment)
  return { timeline, first: number + 1, last: number + missingSegments }
}

interface WalRange {
  timeline: number
  first: number
  last: number
}

function gapsOfTimeline(runs: readonly WalRun[], oldest: WalBase, end: number): Omit<WalGap, 'to'>[] {
  const gaps: Omit<WalGap, 'to'>[] = []
  const { timeline } = oldest
  let last = parseSegment(oldest.startSegment).number - 1
  // Without the base's own WAL nothing from its end on can be reached.
  let from = oldest.stoppedAt
  const note = (before: number, isThere: boolean) =>
    gaps.push({
      afterSegment: segmentName({ timeline, number: last }),
      beforeSegment: isThere ? segmentName({ timeline, number: before }) : null,
      missingSegments: before - last - 1,
      from,
    })
  for (const run of runs) {
    if (run.last <= last) continue
    if (run.first > last + 1) note(run.first, true)
    last = run.last
    from = run.lastStoredAt
  }
  if (end > last) note(end + 1, false)
  return gaps
}

/** From the end of the first base on whose WAL begins after the gap; the end of a base has no fractions (pitfall 6). */
function madeUpForAt(gap: Omit<WalGap, 'to'>, bases: readonly WalBase[]): Moment | null {
  const missing = missingIn({ ...gap, to: null })
  const [first] = bases
    .filter(({ timeline, startSegment }) => {
      return timeline >= missing.timeline && parseSegment(startSegment).number > missing.last
    })
    .map(({ stoppedAt }) => stoppedAt)
    .sort()
  return first === undefined ? null : addSeconds(first, 1)
}

const oldestOf = (bases: readonly WalBase[]): WalBase =>
  bases.reduce((oldest, each) => (each.startSegment < oldest.startSegment ? each : oldest))
