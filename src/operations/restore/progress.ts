import type { RestoreProgress } from '../../domain/restore.ts'
import { parseSegment } from '../../domain/wal-segment.ts'
import type { RestoreContext, RestoreMemo } from './memo.ts'

/** The share of the whole that each phase is taken to be, until drills have measured it. */
const SHARE = { anchoring: 0, fetching: 50, replaying: 45 }

/** How far the restore is, as far as its steps have seen. */
export function progressOf({ memo }: Pick<RestoreContext, 'memo'>, now = Date.now()): RestoreProgress {
  const total = walTotal(memo)
  const walDone = memo.log?.restoredSegments ?? 0
  const fetched = share(memo.bytesDone, memo.bytesTotal)
  const replayed = share(walDone, total)
  const fetching = memo.phase === 'anchoring' || memo.phase === 'fetching'
  const percent = fetching
    ? SHARE.fetching * fetched
    : memo.phase === 'replaying'
      ? SHARE.fetching + SHARE.replaying * replayed
      : 95
  return {
    percent: Math.round(percent),
    bytesDone: fetching ? memo.bytesDone : (memo.bytesTotal ?? memo.bytesDone),
    bytesTotal: memo.bytesTotal,
    walDone: total === null ? walDone : Math.min(walDone, total),
    walTotal: total,
    replayedTo: memo.log?.lastCompletedTransactionAt ?? null,
    etaSeconds: etaSeconds((now - memo.phaseStartedAt) / 1000, fetching ? fetched : replayed),
  }
}

/** How many WAL segments lie between the base backup's start and the target; null when that is not known. */
export function walTotal({ startSegment, endSegment }: RestoreMemo): number | null {
  if (startSegment === null || endSegment === null) return null
  return Number(parseSegment(endSegment).number - parseSegment(startSegment).number) + 1
}

const share = (done: number, total: number | null) =>
  total === null || total === 0 ? 0 : Math.min(done / total, 1)

/** Of the present phase, at the pace it has had so far; null before there is any. */
function etaSeconds(elapsedSeconds: number, done: number): number | null {
  if (done <= 0) return null
  return Math.round((elapsedSeconds * (1 - done)) / done)
}
