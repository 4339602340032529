import { addSeconds, type Moment } from './moment.ts'
import { Problem } from './problem.ts'
import { parseLsn } from './wal-segment.ts'

export interface BaseBackup {
  label: string
  timeline: number
  /** Whole seconds: the engine keeps no fractions. */
  stoppedAt: Moment
  /** The end of the record that makes it consistent. */
  stopLsn: string
}

/**
 * The base backup that needs the least WAL: the newest that was complete before the target. A target before a backup's
 * end must not start from it: recovery would stop at the first consistent state, silently later than asked (pitfall 6).
 * @param target null for the end of WAL
 */
export function chooseBackup<Base extends BaseBackup>(
  backups: readonly Base[],
  target: Moment | null,
): Base | null {
  const usable = backups.filter(({ stoppedAt }) => target === null || addSeconds(stoppedAt, 1) <= target)
  return newestOf(usable)
}

/** As `chooseBackup`, for the record at `lsn`: one in a backup's own WAL comes before it is consistent. */
export function chooseBackupBefore<Base extends BaseBackup>(
  backups: readonly Base[],
  lsn: string,
): Base | null {
  return newestOf(backups.filter(({ stopLsn }) => parseLsn(stopLsn) <= parseLsn(lsn)))
}

/**
 * @param stopLsns of the complete backups
 * @throws Problem `target-before-window` when the LSN is before the end of all of them, with the first as an extension
 */
export function assertAfterBackup(lsn: string, stopLsns: readonly string[]): void {
  const inOrder = stopLsns.toSorted((one, other) => (parseLsn(one) < parseLsn(other) ? -1 : 1))
  const [earliestLsn] = inOrder
  if (earliestLsn === undefined || parseLsn(lsn) >= parseLsn(earliestLsn)) return
  throw new Problem('target-before-window', { extensions: { earliestLsn } })
}

function newestOf<Base extends BaseBackup>(backups: readonly Base[]): Base | null {
  return backups.reduce<Base | null>(
    (best, each) => (best === null || each.stoppedAt > best.stoppedAt ? each : best),
    null,
  )
}
