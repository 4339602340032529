import type { CompleteBackupPolicy } from './backup-policy.ts'
import { addSeconds, type Moment } from './moment.ts'

/** One full backup in an archive. */
export interface FullBackup {
  label: string
  stoppedAt: Moment
  /** Whether a restore may start from it: complete, known, undamaged and not given up before. */
  usable: boolean
}

const DAY_SECONDS = 86_400

/**
 * How many of the newest full backups are kept; with each go the backups that build upon it, and with the oldest of
 * them the WAL before it.
 *
 * Kept are `retentionFulls` usable ones, and every one from the newest usable one on that was complete `retentionDays`
 * ago: from there any moment of those days is reached. What is not usable counts for nothing, and stays where it lies
 * between others. So there are never more usable ones than the larger of `retentionFulls` and one more than were
 * taken in `retentionDays`.
 *
 * @param fulls every full backup in the archive, oldest first
 */
export function fullsToKeep(
  fulls: readonly FullBackup[],
  { retentionDays, retentionFulls }: CompleteBackupPolicy,
  now: Moment,
): number {
  const cutoff = addSeconds(now, -retentionDays * DAY_SECONDS)
  const usable = fulls.flatMap((full, index) => (full.usable ? [{ ...full, index }] : []))
  // A backup may have stopped at the end of its second (pitfall 6).
  const base = usable.findLast(({ stoppedAt }) => addSeconds(stoppedAt, 1) <= cutoff)
  const oldestOfNumber = usable.at(-retentionFulls)
  if (base === undefined || oldestOfNumber === undefined) return fulls.length
  return fulls.length - Math.min(base.index, oldestOfNumber.index)
}
