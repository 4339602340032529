import { parseLsn, parseSegment } from './wal-segment.ts'

const SEGMENT_BYTES = 16 * 1024 * 1024

/** Bytes of WAL from an LSN to the end of the last archived segment; null when the two cannot be compared. */
export function walBytesSince(
  lsn: string | null,
  timeline: number | null,
  lastSegment: string | null,
): number | null {
  if (lsn === null || timeline === null || lastSegment === null) return null
  const last = parseSegment(lastSegment)
  if (last.timeline !== timeline) return null
  return Math.max(0, (last.number + 1) * SEGMENT_BYTES - Number(parseLsn(lsn)))
}
