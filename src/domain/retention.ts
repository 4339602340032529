import type { CompleteBackupPolicy } from './backup-policy.ts'
import { secondsOf } from './duration.ts'
import { addSeconds, type Moment, secondsBetween } from './moment.ts'

/** One full backup in an archive. */
export interface FullBackup {
  label: string
  stoppedAt: Moment
  /** Whether a restore may start from it: complete, known, undamaged and not given up before. */
  usable: boolean
}

const DAY_SECONDS = 86_400
/** By how much the clock of a server and that of the metadata may differ and both be right. */
const CLOCKS_DIFFER_SECONDS = 3600

/**
 * How many of the newest full backups are kept; with each go the backups that build upon it, and with the oldest of
 * them the WAL before it.
 *
 * Kept are `retentionFulls` usable ones, and every one from the newest usable one on that was complete `retentionDays`
 * ago: from there any moment of those days is reached. What is not usable counts for nothing, and stays where it lies
 * between others. So there are never more usable ones than the larger of `retentionFulls` and one more than were
 * taken in `retentionDays`, unless the clock has jumped (`steadyTimes`).
 *
 * @param fulls every full backup in the archive, oldest first
 */
export function fullsToKeep(
  fulls: readonly FullBackup[],
  { retentionDays, retentionFulls, fullEvery }: CompleteBackupPolicy,
  now: Moment,
): number {
  const cutoff = addSeconds(now, -retentionDays * DAY_SECONDS)
  const times = steadyTimes(fulls, secondsOf(fullEvery))
  const usable = fulls.flatMap(({ usable, stoppedAt }, index) =>
    usable ? [{ stoppedAt: times[index] ?? stoppedAt, index }] : [],
  )
  // A backup may have stopped at the end of its second (pitfall 6).
  const base = usable.findLast(({ stoppedAt }) => addSeconds(stoppedAt, 1) <= cutoff)
  const oldestOfNumber = usable.at(-retentionFulls)
  if (base === undefined || oldestOfNumber === undefined) return fulls.length
  return fulls.length - Math.min(base.index, oldestOfNumber.index)
}

/**
 * The moment that retention is reckoned from: the end of the newest usable backup, as far as the metadata's clock has
 * come. Null when nothing may be given up: there is no such backup, or it is dated after that clock, so that one of
 * the two is wrong.
 *
 * @param fulls every full backup in the archive, oldest first
 */
export function retentionNow(fulls: readonly FullBackup[], clock: Moment): Moment | null {
  const newest = fulls.findLast(({ usable }) => usable)?.stoppedAt
  if (newest === undefined || secondsBetween(clock, newest) > CLOCKS_DIFFER_SECONDS) return null
  return newest < clock ? newest : clock
}

/**
 * When the full backups stopped, with no time passing where the clock may have jumped: backwards, or by more than two
 * periods and a day. Nobody can tell such a jump from a pause, and after either of them every backup looks older than it
 * may be: what was before stays until the days to be restored to have passed since.
 */
function steadyTimes(fulls: readonly FullBackup[], periodSeconds: number): Moment[] {
  const longest = 2 * periodSeconds + DAY_SECONDS
  const newest = fulls.findLastIndex(({ usable }) => usable)
  const times = fulls.map(({ stoppedAt }) => stoppedAt)
  for (let index = newest - 1; index >= 0; index--) {
    const [full, next, time] = [fulls[index], fulls[index + 1], times[index + 1]]
    if (full === undefined || next === undefined || time === undefined) continue
    const seconds = secondsBetween(full.stoppedAt, next.stoppedAt)
    times[index] = seconds < 0 || seconds > longest ? time : addSeconds(time, -seconds)
  }
  return times
}
