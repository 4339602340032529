import type { Moment } from './moment.ts'
import type { Stall, StallCode, Stalls } from './protection.ts'

export type FoundStall = Pick<Stall, 'code' | 'detail'>

/** What one observer has to say: nothing of the codes that it does not cover. */
export interface StallReport {
  covers: readonly StallCode[]
  found: readonly FoundStall[]
}

/** From what costs data soonest to what only makes a restore slower. */
const WORST_FIRST: readonly StallCode[] = [
  'server-lost',
  'disk-filling',
  'archive-unreadable',
  'archive-unreachable',
  'archiving-failing',
  'wal-gap',
  'archive-lagging',
  'backup-overdue',
]

/** While one of these holds, what is committed now does not reach the archive. */
const HOLDING_BACK: ReadonlySet<string> = new Set<StallCode>([
  'server-lost',
  'archive-unreadable',
  'archive-unreachable',
  'archiving-failing',
  'archive-lagging',
])

/** The one to show; null when nothing stalls. */
export function worstStall(stalls: Stalls): Stall | null {
  for (const code of WORST_FIRST) {
    const stall = stalls[code]
    if (stall !== undefined) return { code, ...stall }
  }
  return null
}

/** What holds after a report: a stall that goes on keeps the moment at which it began. */
export function stallsAfter(stalls: Stalls, { covers, found }: StallReport, now: Moment): Stalls {
  const others = Object.entries(stalls).filter(([code]) => !covers.includes(code as StallCode))
  const reported = found.map(({ code, detail }) => [code, { detail, since: stalls[code]?.since ?? now }])
  return Object.fromEntries([...others, ...reported]) as Stalls
}

/** Whether the archive follows the server, so that every moment up to now can be restored. */
export function archiveFollows(stalls: Stalls): boolean {
  return !Object.keys(stalls).some((code) => HOLDING_BACK.has(code))
}
