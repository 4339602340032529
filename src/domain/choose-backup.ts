import { addSeconds, type Moment } from './moment.ts'

export interface BaseBackup {
  label: string
  timeline: number
  /** Whole seconds: the engine keeps no fractions. */
  stoppedAt: Moment
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
  return usable.reduce<Base | null>(
    (best, each) => (best === null || each.stoppedAt > best.stoppedAt ? each : best),
    null,
  )
}
