import { parseSegment } from '../../domain/wal-segment.ts'
import type { RestoreProgress } from '../../domain/restore.ts'
import type { RestoreContext } from './memo.ts'

/** The share of the whole that each phase is taken to be, until drills have measured it. */
const SHARE = { anchoring: 0, fetching: 50, replaying: 45 }

/** How far the restore is, as far as its steps have seen. */
export function progressOf({ memo }: Pick<RestoreContext, 'memo'>, now = Date.now()): RestoreProgress {
  const walTotal =
    memo.startSegment === null || memo.endSegment === null
      ? null
      : Number(parseSegment(memo.endSegment).number - parseSegment(memo.startSegment).number) + 1
  const walDone = memo.log?.restoredSegments ?? 0
  const fetched = share(memo.bytesDone, memo.bytesTotal)
  const replayed = share(walDone, walTotal)
  const fetching = memo.phase === 'anchoring' || memo.phase === 'fetching'
  const percent = fetching ? SHARE.fetching * fetched : memo.phase === 'replaying' ? SHARE.fetching + SHARE.replaying * replayed : 95
  return {
    percent: Math.round(percent),
    bytesDone: fetching ? memo.bytesDone : (memo.bytesTotal ?? memo.bytesDone),
    bytesTotal: memo.bytesTotal,
    walDone: walTotal === null ? walDone : Math.min(walDone, walTotal),
    walTotal,
    replayedTo: memo.log?.lastCompletedTransactionAt ?? null,
    etaSeconds: etaSeconds((now - memo.phaseStartedAt) / 1000, fetching ? fetched : replayed),
  }
}

const share = (done: number, total: number | null) => (total === null || total === 0 ? 0 : Math.min(done / total, 1))

/** Of the present phase, at the pace it has had so far; null before there is any. */
function etaSeconds(elapsedSeconds: number, done: number): number | null {
  if (done <= 0) return null
  return Math.round((elapsedSeconds * (1 - done)) / done)
}
