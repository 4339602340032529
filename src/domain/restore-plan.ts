import type { BackupType } from './addon.ts'
import { type BaseBackup, chooseBackup, chooseBackupBefore } from './choose-backup.ts'
import type { Moment } from './moment.ts'
import type { WalBase } from './wal-gaps.ts'
import { parseSegment, SEGMENT_BYTES, segmentOfLsn } from './wal-segment.ts'

/** Where in WAL a target is; nothing of it is known of a transaction that has yet to be searched for. */
export interface TargetPlace {
  time: Moment | null
  lsn: string | null
  /** Everything there is. */
  isEnd: boolean
}

/** A complete base backup, as a plan looks at it. */
export interface PlannedBase extends BaseBackup, WalBase {
  id: string
  type: BackupType
  sizeBytes: number | null
}

/** The base that needs the least WAL to get there: the newest that was complete before. */
export function chooseBase<Base extends PlannedBase>(
  bases: readonly Base[],
  { time, lsn }: TargetPlace,
): Base | null {
  return lsn === null ? chooseBackup(bases, time) : chooseBackupBefore(bases, lsn)
}

/**
 * Whether no WAL after this segment is needed: what is committed later than a moment is in no segment that was stored
 * before it, so the first one stored since is the least that recovery reads.
 */
export function reaches({ time, lsn }: TargetPlace, segment: string, storedAt: Moment): boolean {
  if (time !== null) return storedAt >= time
  if (lsn === null) return false
  const { timeline, number } = parseSegment(segment)
  return number >= parseSegment(segmentOfLsn(lsn, timeline)).number
}

/** What is measured of this host: moving averages, but for the space of its disk, which is the last that was seen. */
export type MeasuredName =
  | 'fetch_bytes_per_second'
  | 'replay_segments_per_second'
  | 'restore_other_seconds'
  | 'backup_bytes_per_second'
  | 'disk_free_bytes'

export type Measured = Partial<Record<MeasuredName, number>>

/** What is taken for true before anything has been measured: modest hardware. */
const ASSUMED = {
  fetch_bytes_per_second: 50e6,
  replay_segments_per_second: 8,
  restore_other_seconds: 3,
} as const

export interface RestoreEstimate {
  estimatedSeconds: { fetching: number; replaying: number; other: number; total: number }
  /** `measured` when all of it rests on restores that were made here. */
  basis: 'measured' | 'assumed'
}

export function estimateRestore(sizeBytes: number, walSegments: number, measured: Measured): RestoreEstimate {
  const rate = (name: keyof typeof ASSUMED) => measured[name] ?? ASSUMED[name]
  const fetching = tenths(sizeBytes / rate('fetch_bytes_per_second'))
  const replaying = tenths(walSegments / rate('replay_segments_per_second'))
  const other = tenths(rate('restore_other_seconds'))
  const isMeasured = (Object.keys(ASSUMED) as (keyof typeof ASSUMED)[]).every(
    (name) => measured[name] !== undefined,
  )
  return {
    estimatedSeconds: { fetching, replaying, other, total: tenths(fetching + replaying + other) },
    basis: isMeasured ? 'measured' : 'assumed',
  }
}

/** WAL that is fetched ahead of replay waits in a spool of at most this size. */
const SPOOL_BYTES_MAX = 2 * 1024 ** 3
/** What replay adds to the base is not known beforehand. */
const RESERVE = 1.1

/** Bytes of disk that a restore takes: the base, the WAL that is fetched ahead, and a tenth. */
export function diskBytesFor(sizeBytes: number, walSegments: number): number {
  return Math.ceil(RESERVE * (sizeBytes + Math.min(walSegments * Number(SEGMENT_BYTES), SPOOL_BYTES_MAX)))
}

const tenths = (seconds: number) => Math.round(seconds * 10) / 10
