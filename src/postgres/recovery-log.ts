import { type Moment, parseMoment } from '../domain/moment.ts'
import { isSegmentName } from '../domain/wal-segment.ts'

export type RecoveryFailureKind =
  | 'ended-early'
  | 'wal-missing'
  | 'wal-corrupt'
  | 'archive-unreachable'
  | 'library-missing'
  | 'settings-insufficient'
  | 'checkpoint-missing'
  | 'target-too-early'
  | 'other'

/** A transaction with its end, a record, or a restore point under its name in WAL. */
export type RecoveryStop =
  | { side: 'before' | 'after'; xid: string; at: Moment }
  | { side: 'before' | 'after'; lsn: string }
  | { side: 'after'; name: string; at: Moment }

/** What a server's log has told of its recovery so far. */
export interface RecoveryLog {
  lastRestoredSegment: string | null
  restoredSegments: number
  /** What recovery saw and stopped at: left out (`before`) or the last thing in (`after`). */
  stopped: RecoveryStop | null
  /** Commit time of the last transaction the server holds. */
  lastCompletedTransactionAt: Moment | null
  /**
   * Where the last record that was read begins. After a stop `before`, that is the record left out, so WAL was
   * replayed up to here; otherwise the record was replayed too, and the history file says where WAL ended.
   */
  redoDoneAt: string | null
  newTimeline: number | null
  /** The server accepts connections. */
  ready: boolean
  /** A record that failed its check: recovery takes it for the end of WAL, but a complete segment has none. */
  damage: string | null
  failure: { kind: RecoveryFailureKind; text: string } | null
  /** The beginning of a line whose end is yet to come. */
  unread: string
}

const START: RecoveryLog = {
  lastRestoredSegment: null,
  restoredSegments: 0,
  stopped: null,
  lastCompletedTransactionAt: null,
  redoDoneAt: null,
  newTimeline: null,
  ready: false,
  damage: null,
  failure: null,
  unread: '',
}

// As log_line_prefix in settings.ts writes it. What sessions log is no part of recovery, and since PostgreSQL indents
// the further lines of a message, nobody can forge a line.
const LINE = /^\S+ \S+ UTC \[\d+\] (startup|postmaster): +([A-Z]+): +(.*)$/

const FAILURES: readonly [RegExp, RecoveryFailureKind][] = [
  [/^recovery ended before configured recovery target was reached/, 'ended-early'],
  [/^WAL ends before /, 'wal-missing'],
  // The restore command has ended by a status above 125.
  [/^could not restore file "[^"]*" from archive/, 'archive-unreachable'],
  [/^archive file "[^"]*" has wrong size|^WAL contains references to invalid pages/, 'wal-corrupt'],
  [/^could not (access file|load library) /, 'library-missing'],
  [
    /insufficient parameter settings|^maximum number of prepared transactions reached/,
    'settings-insufficient',
  ],
  [
    /^could not locate .*checkpoint record|^could not find redo location|^invalid checkpoint/,
    'checkpoint-missing',
  ],
  [/^requested recovery stop point is before consistent recovery point/, 'target-too-early'],
]

const DAMAGE =
  /^(incorrect resource manager data checksum|record with incorrect prev-link|invalid resource manager ID)/

/**
 * Reads on in a server's log (PostgreSQL 15 wording). Text may end anywhere; call again with what follows.
 *
 * @param state what the call before returned; leave it out for a new start of the server.
 */
export function readRecoveryLog(text: string, state: RecoveryLog = START): RecoveryLog {
  const lines = (state.unread + text).split('\n')
  const unread = lines.pop() ?? ''
  return { ...lines.reduce(readLine, state), unread }
}

function readLine(state: RecoveryLog, line: string): RecoveryLog {
  const [, writer, level, message = ''] = LINE.exec(line) ?? []
  if (level === 'FATAL' || level === 'PANIC') {
    // The first one is the cause; the others follow from it.
    return { ...state, failure: state.failure ?? { kind: kindOfFailure(message), text: message } }
  }
  if (level !== 'LOG') return state
  return writer === 'startup' ? readStartup(state, message) : readPostmaster(state, message)
}

function kindOfFailure(message: string): RecoveryFailureKind {
  return FAILURES.find(([pattern]) => pattern.test(message))?.[1] ?? 'other'
}

function readPostmaster(state: RecoveryLog, message: string): RecoveryLog {
  return message === 'database system is ready to accept connections' ? { ...state, ready: true } : state
}

function readStartup(state: RecoveryLog, message: string): RecoveryLog {
  const restored = /^restored log file "(\w+)" from archive/.exec(message)?.[1]
  if (restored !== undefined) return countSegment(state, restored)

  const stopped = readStop(message)
  if (stopped !== null) return { ...state, stopped }

  const lastTime = logTime(/^last completed transaction was at log time (.+)$/.exec(message)?.[1])
  if (lastTime !== null) return { ...state, lastCompletedTransactionAt: lastTime }

  const redoDoneAt = /^redo done at (\S+)/.exec(message)?.[1]
  if (redoDoneAt !== undefined) return { ...state, redoDoneAt }

  const newTimeline = /^selected new timeline ID: (\d+)/.exec(message)?.[1]
  if (newTimeline !== undefined) return { ...state, newTimeline: Number(newTimeline) }

  return DAMAGE.test(message) ? { ...state, damage: message } : state
}

/** The words of recoveryStopsBefore and recoveryStopsAfter (PostgreSQL 15, access/transam/xlogrecovery.c). */
function readStop(message: string): RecoveryStop | null {
  const [, where, what = ''] = /^recovery stopping (before|after|at) (.+)$/.exec(message) ?? []
  const side = where === 'before' ? 'before' : 'after'

  const [, xid, endTime] = /^(?:commit|abort) of transaction (\d+), time (.+)$/.exec(what) ?? []
  const end = logTime(endTime)
  if (xid !== undefined && end !== null) return { side, xid, at: end }

  const [, lsn] = /^WAL location \(LSN\) "(\S+)"$/.exec(what) ?? []
  if (lsn !== undefined) return { side, lsn }

  const [, name, madeTime] = /^restore point "(.+)", time (.+)$/.exec(what) ?? []
  const made = logTime(madeTime)
  return name !== undefined && made !== null ? { side: 'after', name, at: made } : null
}

/** The last segment is fetched once more at promotion, and history files are logged in the same words. */
function countSegment(state: RecoveryLog, name: string): RecoveryLog {
  if (!isSegmentName(name) || name <= (state.lastRestoredSegment ?? '')) return state
  return { ...state, lastRestoredSegment: name, restoredSegments: state.restoredSegments + 1 }
}

/** `2026-11-23 14:19:21.855099+00`: log_timezone is UTC. */
function logTime(text: string | undefined): Moment | null {
  return text === undefined ? null : parseMoment(`${text}:00`)
}
