import { type Moment, parseMoment } from '../domain/moment.ts'
import type { RunningTransactions } from '../domain/xid-search.ts'
import type { CommandSpec } from '../drivers/driver.ts'

/** The end of one transaction, as WAL holds it. */
export interface TransactionEnd {
  /** Where its record begins. */
  lsn: string
  xid: string
  kind: 'commit' | 'abort' | 'commit_prepared' | 'abort_prepared'
  at: Moment
}

const KINDS = new Map<string, TransactionEnd['kind']>([
  ['COMMIT', 'commit'],
  ['ABORT', 'abort'],
  ['COMMIT_PREPARED', 'commit_prepared'],
  ['ABORT_PREPARED', 'abort_prepared'],
])

const RECORD =
  /\btx:\s*(\d+), lsn: ([0-9A-F]+)\/([0-9A-F]+), .*? desc: (\w+) (?:(\d+): )?(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?) UTC/

/**
 * Prints the transactions that end in the segment files from `firstFile` to `lastFile`, which lie in one directory
 * under their own names. A record that runs over the end of `lastFile` is not printed, and the command then fails
 * after printing all others.
 *
 * @param program `pg_waldump` of the server's major version.
 */
export function transactionsCommand(program: string, firstFile: string, lastFile = firstFile): CommandSpec {
  return dumpCommand(program, ['Transaction'], firstFile, lastFile)
}

/** As `transactionsCommand`, with the snapshots of running transactions as well. */
export function snapshotsCommand(program: string, firstFile: string, lastFile = firstFile): CommandSpec {
  return dumpCommand(program, ['Transaction', 'Standby'], firstFile, lastFile)
}

function dumpCommand(
  program: string,
  managers: readonly string[],
  firstFile: string,
  lastFile: string,
): CommandSpec {
  const options = managers.map((manager) => `--rmgr=${manager}`)
  return { argv: [program, ...options, firstFile, lastFile], env: { TZ: 'UTC', LC_ALL: 'C' } }
}

/** Reads what `transactionsCommand` prints, in the order of WAL. Commit times are not quite in order. */
export function parseTransactions(stdout: string): TransactionEnd[] {
  return stdout.split('\n').flatMap((line) => {
    const match = RECORD.exec(line)
    if (match === null) return []
    const [, tx = '', high = '', low = '', name = '', preparedXid, time] = match
    const kind = KINDS.get(name)
    const at = parseMoment(`${time}Z`)
    if (kind === undefined || at === null) return []
    // pg_waldump pads the lower half; everywhere else PostgreSQL does not.
    const lsn = `${high}/${low.replace(/^0+(?=.)/, '')}`
    return [{ lsn, xid: preparedXid ?? tx, kind, at }]
  })
}

/** Reads the snapshots that `snapshotsCommand` prints, in the order of WAL. */
export function parseSnapshots(stdout: string): RunningTransactions[] {
  const found = stdout.matchAll(
    / desc: RUNNING_XACTS nextXid (\d+) latestCompletedXid \d+ oldestRunningXid (\d+)/g,
  )
  return [...found].map(([, next, oldest]) => ({ nextXid: Number(next), oldestRunningXid: Number(oldest) }))
}
