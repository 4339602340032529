/** The place of a WAL segment file: its timeline, and its count of 16 MiB segments from the start of WAL. */
export interface WalSegment {
  timeline: number
  number: number
}

/** A stretch of WAL that is not there; the segments on either side are. */
export interface SegmentGap {
  afterSegment: string
  beforeSegment: string
  missingSegments: number
}

export const SEGMENT_BYTES = 16n * 1024n * 1024n
const SEGMENTS_PER_LOG = 256
const NAME = /^[0-9A-F]{24}$/
const LSN = /^[0-9A-Fa-f]{1,8}\/[0-9A-Fa-f]{1,8}$/

export function isSegmentName(name: string): boolean {
  return NAME.test(name)
}

/** @throws RangeError when the text is not 24 upper-case hexadecimal digits. */
export function parseSegment(name: string): WalSegment {
  if (!isSegmentName(name)) throw new RangeError(`not a WAL segment: ${name}`)
  const [timeline, log, segment] = [0, 8, 16].map((at) => Number.parseInt(name.slice(at, at + 8), 16)) as [
    number,
    number,
    number,
  ]
  return { timeline, number: log * SEGMENTS_PER_LOG + segment }
}

export function segmentName({ timeline, number }: WalSegment): string {
  const parts = [timeline, Math.floor(number / SEGMENTS_PER_LOG), number % SEGMENTS_PER_LOG]
  return parts.map((part) => part.toString(16).toUpperCase().padStart(8, '0')).join('')
}

export function isLsn(text: string): boolean {
  return LSN.test(text)
}

/** As PostgreSQL prints it, such as `0/3002168`. */
export function formatLsn(lsn: bigint): string {
  return [lsn >> 32n, lsn & 0xffff_ffffn].map((half) => half.toString(16).toUpperCase()).join('/')
}

/** @throws RangeError when the text is not an LSN as PostgreSQL prints it, such as `0/3002168`. */
export function parseLsn(lsn: string): bigint {
  if (!LSN.test(lsn)) throw new RangeError(`not an LSN: ${lsn}`)
  const [high, low] = lsn.split('/') as [string, string]
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`)
}

/** The segment that holds the byte at `lsn`. */
export function segmentOfLsn(lsn: string, timeline: number): string {
  return segmentName({ timeline, number: Number(parseLsn(lsn) / SEGMENT_BYTES) })
}

/**
 * Where segments are missing from `fromSegment` on, within its timeline.
 *
 * @param segments sorted names; those of other timelines and before `fromSegment` are passed over. PostgreSQL writes
 *   no segment 0, so there is always one before `fromSegment` to name.
 */
export function findGaps(segments: readonly string[], fromSegment: string): SegmentGap[] {
  const { timeline, number } = parseSegment(fromSegment)
  const gaps: SegmentGap[] = []
  let last = number - 1
  for (const beforeSegment of segments) {
    const found = parseSegment(beforeSegment)
    if (found.timeline !== timeline || found.number <= last) continue
    const missingSegments = found.number - last - 1
    if (missingSegments > 0) {
      gaps.push({ afterSegment: segmentName({ timeline, number: last }), beforeSegment, missingSegments })
    }
    last = found.number
  }
  return gaps
}

/** Which of the segments `from` to `to`, of one timeline, is the first that is not there; null when all are. */
export function firstMissing(segments: readonly string[], from: string, to: string): string | null {
  const there = new Set(segments)
  const { timeline, number: last } = parseSegment(to)
  for (let { number } = parseSegment(from); number <= last; number++) {
    const name = segmentName({ timeline, number })
    if (!there.has(name)) return name
  }
  return null
}
