import type { CompleteBackupPolicy } from './backup-policy.ts'
import { secondsOf } from './duration.ts'
import { type Moment, secondsBetween } from './moment.ts'
import { Problem, titleOf } from './problem.ts'
import type { WalGap } from './recovery-window.ts'
import type { FoundStall, StallReport } from './stalls.ts'

/** What the rows say of an archive. */
export interface ArchiveRows {
  gaps: readonly WalGap[]
  nextBackupAt: Moment | null
  /** When the last complete backup stopped; null while there is none. */
  lastBackupAt: Moment | null
  policy: CompleteBackupPolicy
}

const DAY_SECONDS = 86_400

/** @param refusal why the object store or repository could not be used when it was last asked; null when it could */
export function stallsOfArchive(rows: ArchiveRows, refusal: unknown, now: Moment): StallReport {
  const stalls: FoundStall[] = []
  if (refusal !== null) stalls.push({ code: 'archive-unreachable', detail: inPlainWords(refusal) })
  if (rows.gaps.some(({ to }) => to === null))
    stalls.push({
      code: 'wal-gap',
      detail: 'WAL is missing from the archive, and no later base backup makes up for it yet.',
    })
  if (backupIsOverdue(rows, now))
    stalls.push({
      code: 'backup-overdue',
      detail: 'No base backup has been completed for much longer than the backup policy says.',
    })
  return { covers: ['archive-unreachable', 'wal-gap', 'backup-overdue'], found: stalls }
}

/**
 * A planned backup is late by a whole period, or the last complete one is older than two. With a window backups begin
 * once a day at most, however short the period is.
 */
export function backupIsOverdue({ nextBackupAt, lastBackupAt, policy }: ArchiveRows, now: Moment): boolean {
  const period = shortestPeriodSeconds(policy)
  if (nextBackupAt !== null && secondsBetween(nextBackupAt, now) > period) return true
  const allowed = period + (policy.window === null ? period : Math.max(period, DAY_SECONDS))
  return lastBackupAt !== null && secondsBetween(lastBackupAt, now) > allowed
}

function shortestPeriodSeconds({ fullEvery, differentialEvery }: CompleteBackupPolicy): number {
  return Math.min(...[fullEvery, differentialEvery].flatMap((text) => (text === null ? [] : secondsOf(text))))
}

/** Nothing but the detail of a problem is meant for clients. */
function inPlainWords(refusal: unknown): string {
  if (refusal instanceof Problem && refusal.detail !== undefined) return refusal.detail
  return titleOf('archive-unreachable')
}
