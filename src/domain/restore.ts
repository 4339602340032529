import type { Moment } from './moment.ts'

/**
 * What a restore is to reach. `latest` becomes a time once the work starts, or the end of WAL if the source is gone. An
 * LSN is as PostgreSQL prints it, an xid the 32 bits that WAL holds, a name that of a restore point of Undrop's.
 */
export type RestoreTarget =
  | { time: Moment }
  | { latest: true }
  | { lsn: string }
  | { xid: string }
  | { name: string }

/** A place in WAL. Unlike a time it needs no commit behind it, and can be looked up before anything is fetched. */
export type WalTarget = Exclude<RestoreTarget, { time: Moment } | { latest: true }>

export function isWalTarget(target: RestoreTarget): target is WalTarget {
  return !('time' in target || 'latest' in target)
}

export type RestorePointStatus = 'queued' | 'archived' | 'failed'

export type RestoreStatus = 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled'
export type RestorePhase = 'anchoring' | 'fetching' | 'replaying' | 'securing' | 'done'

export interface RestoreProgress {
  /** 0 to 100 over the whole restore. */
  percent: number
  bytesDone: number
  bytesTotal: number | null
  /** WAL segments. */
  walDone: number
  walTotal: number | null
  /** Commit time of the last transaction seen to be replayed. */
  replayedTo: Moment | null
  etaSeconds: number | null
}

/** The state a restore really arrived at: the WAL before `lsn`, and nothing after it. */
export interface Reached {
  /** Commit time of the last transaction the child holds; null when none lies between backup and target. */
  time: Moment | null
  /** End of the WAL that was replayed, as PostgreSQL prints an LSN. */
  lsn: string
  /** The last transaction the child holds; null as for `time`. */
  xid: string | null
  /** The child's own timeline, which begins at `lsn`. */
  timeline: number
  /** Whether the target is shown to have been reached: for a time, a transaction later than it was seen and left out. */
  exact: boolean
  /** Why not, when `exact` is false. */
  reason: 'end_of_wal' | null
}

/** What became of one of the parent's roles on the child. */
export interface SecuredRole {
  name: string
  /** The owner is renamed and given a new password; every other role loses LOGIN and password. */
  action: 'renamed' | 'locked'
}

export type PhaseSeconds = Partial<Record<Exclude<RestorePhase, 'done'> | 'total', number>>
