/** What one WAL segment tells of a transaction that is looked for. */
export interface XidEvidence {
  /** Where the record of its end begins; null when it does not end here. */
  endLsn: string | null
  /** Whether its number had been given out by the end of the segment; null when nothing in it tells. */
  assigned: boolean | null
  /** There is a place in the segment before which it has ended, if ever. */
  overBefore: boolean
  /** There is a place in the segment before which it had not begun. */
  beginsAfter: boolean
}

/**
 * A search for the end of a transaction among segments of one timeline, by their numbers. A transaction ends behind
 * the place where its number was given out, and may end far behind: so the place is bisected for, and the end looked
 * for from there. Bisecting goes by the numbers that end, which are not in order, so what lies before is looked through
 * too, as far back as it could matter. Nothing is missed: only how soon it is found is a guess.
 */
export interface XidSearch {
  way: 'bisect' | 'forward' | 'backward'
  first: number
  last: number
  /** The place lies in a segment from `low` to `high`, or right behind `high`. */
  low: number
  high: number
  /** The segment to be read next. */
  at: number
  /** How many segments have been read. */
  read: number
}

/** What a snapshot of the running transactions says (`RUNNING_XACTS`, written at checkpoints and every 15 seconds). */
export interface RunningTransactions {
  nextXid: number
  oldestRunningXid: number
}

/** Whether one number was given out after another: they go round, modulo 2^32, as PostgreSQL compares them. */
export function xidFollows(one: number, other: number): boolean {
  return ((one - other) | 0) > 0
}

/** An archive that spans more than 2^31 transactions would hold a number twice; the comparison is only right within that. */
export function xidEvidence(
  xid: number,
  ends: readonly { xid: string; lsn: string }[],
  running: readonly RunningTransactions[],
): XidEvidence {
  const numbers = ends.map((end) => Number(end.xid))
  const assigned =
    numbers.some((number) => number === xid || xidFollows(number, xid)) ||
    running.some(({ nextXid }) => xidFollows(nextXid, xid))
  return {
    endLsn: ends[numbers.indexOf(xid)]?.lsn ?? null,
    assigned: numbers.length + running.length === 0 ? null : assigned,
    overBefore: running.some(({ oldestRunningXid }) => xidFollows(oldestRunningXid, xid)),
    beginsAfter: running.some(({ nextXid }) => !xidFollows(nextXid, xid)),
  }
}

export function beginSearch(first: number, last: number): XidSearch {
  return { way: 'bisect', first, last, low: first, high: last, at: middle(first, last), read: 0 }
}

/** Where to look next; null when the end is not in any of the segments. A found end ends the search, so it is not asked then. */
export function searchOn(search: XidSearch, evidence: XidEvidence): XidSearch | null {
  const next = { ...search, read: search.read + 1 }
  switch (search.way) {
    case 'bisect':
      return bisectOn(next, evidence)
    case 'forward':
      if (evidence.overBefore || search.at >= search.last) return backwardFrom(next, search.low - 1)
      return { ...next, at: search.at + 1 }
    case 'backward':
      return evidence.beginsAfter ? null : backwardFrom(next, search.at - 1)
  }
}

function bisectOn(search: XidSearch, { assigned }: XidEvidence): XidSearch | null {
  const { low, high, at } = search
  // A segment that tells nothing is asked through its successor.
  if (assigned === null && at < high) return { ...search, at: at + 1 }
  const halved = assigned === false ? { ...search, low: at + 1 } : { ...search, high: middle(low, high) - 1 }
  if (halved.low <= halved.high) return { ...halved, at: middle(halved.low, halved.high) }
  if (halved.low > halved.last) return backwardFrom(halved, halved.last)
  return { ...halved, way: 'forward', at: halved.low }
}

function backwardFrom(search: XidSearch, at: number): XidSearch | null {
  return at < search.first ? null : { ...search, way: 'backward', at }
}

const middle = (low: number, high: number) => Math.floor((low + high) / 2)
