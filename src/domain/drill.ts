import { type Moment, secondsBetween } from './moment.ts'
import { type Failure, failureOf, Problem } from './problem.ts'

export type DrillStatus = 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled'

/** One thing that a drill has looked at. */
export interface DrillCheck {
  /** `archive`: every file of it against its checksum. `amcheck`: tables and indexes. `rows`: every row can be read. `probe`: the tenant's query. */
  name: 'archive' | 'amcheck' | 'rows' | 'probe'
  passed: boolean
  seconds: number
  /** What was found, in words that name no host or path. */
  detail: string
}

/** Why a drill that came to its end has not succeeded; null when every check has passed. */
export function failureOfChecks(checks: readonly DrillCheck[], damagedBackups: number): Failure | null {
  const failed = checks.filter(({ passed }) => !passed)
  if (failed.length === 0) return null
  const code = damagedBackups > 0 ? 'backup-damaged' : 'drill-failed'
  const detail = failed.map((check) => `${check.name}: ${check.detail}`).join(' ')
  return failureOf(new Problem(code, { detail }))
}

/**
 * What would have been lost with the source: what it had committed beyond what was reached. Null when the source did not
 * say; without a commit after the base backup, that one's end is what was reached.
 */
export function rpoSeconds(
  sourceCommittedAt: Moment | null,
  reachedAt: Moment | null,
  backupStoppedAt: Moment | null,
): number | null {
  const reached = reachedAt ?? backupStoppedAt
  if (sourceCommittedAt === null || reached === null) return null
  return Math.max(0, secondsBetween(reached, sourceCommittedAt))
}
