import type { Moment } from './moment.ts'

/** Why an add-on cannot be brought back to every moment up to now. */
export type StallCode =
  /** Its files are gone from the host: only its archive is left. */
  | 'server-lost'
  /** The object store or repository does not answer, or refuses. */
  | 'archive-unreachable'
  /** The archive does not decrypt. */
  | 'archive-unreadable'
  /** Archiving only fails. */
  | 'archiving-failing'
  /** WAL waits for too long to be archived. */
  | 'archive-lagging'
  /** WAL fills the disk. */
  | 'disk-filling'
  /** WAL is missing from the archive, and no later backup makes up for it. */
  | 'wal-gap'
  /** No backup has been completed for much longer than the policy says. */
  | 'backup-overdue'

export interface Stall {
  code: StallCode
  detail: string
  since: Moment
}

/** All that holds at once. */
export type Stalls = Partial<Record<StallCode, Omit<Stall, 'code'>>>
