import type { CommandSpec } from '../drivers/driver.ts'

/** What a data directory's `pg_control` says. The five limits are the server's own when the WAL was written. */
export interface ControlFile {
  state: string
  systemIdentifier: string
  timeline: number
  walLevel: string
  maxConnections: number
  maxWorkerProcesses: number
  maxWalSenders: number
  maxPreparedTransactions: number
  maxLocksPerTransaction: number
}

/** @param program `pg_controldata` of the server's major version. */
export function controlDataCommand(program: string, dataDirectory: string): CommandSpec {
  return { argv: [program, dataDirectory], env: { LC_ALL: 'C' } }
}

/** @throws Error when the text is not the whole output of `pg_controldata`. */
export function parseControlData(stdout: string): ControlFile {
  const values = new Map(
    stdout.split('\n').map((line) => {
      const at = line.indexOf(':')
      return [line.slice(0, at), line.slice(at + 1).trim()]
    }),
  )
  const text = (label: string): string => {
    const value = values.get(label)
    if (value === undefined) throw new Error(`pg_controldata does not print "${label}"`)
    return value
  }
  const number = (label: string): number => Number(text(label))
  return {
    state: text('Database cluster state'),
    systemIdentifier: text('Database system identifier'),
    timeline: number("Latest checkpoint's TimeLineID"),
    walLevel: text('wal_level setting'),
    maxConnections: number('max_connections setting'),
    maxWorkerProcesses: number('max_worker_processes setting'),
    maxWalSenders: number('max_wal_senders setting'),
    maxPreparedTransactions: number('max_prepared_xacts setting'),
    maxLocksPerTransaction: number('max_locks_per_xact setting'),
  }
}

/** Prints a server's `pg_control` as base64. */
export function readControlCommand(dataDirectory: string): CommandSpec {
  return { argv: ['base64', `${dataDirectory}/global/pg_control`] }
}

/** Puts down what `readControlCommand` printed; the directory is none that a server could start on. */
export function placeControlCommand(dataDirectory: string, base64: string): CommandSpec {
  const script = 'mkdir -p "$1/global" && base64 --decode >"$1/global/pg_control"'
  return { argv: ['sh', '-c', script, 'sh', dataDirectory], stdin: base64 }
}
