import { type DestinationStream, type Logger, pino } from 'pino'
import { redact } from './redact.ts'

export type { Logger }

export interface LoggerOptions {
  level: string
  /** Of the process that logs. */
  name?: string
  /** Secrets of this process that do not look like any: they are blanked wherever they turn up. */
  secrets?: readonly string[]
}

/** So much waits to be written, in bytes; less than what pino writes at once. */
const WAITING_MAX = 8 * 1024

/**
 * Standard output, for a process that logs every request: what one turn of the event loop logs is written at its end, in
 * one go, and before the process exits. Only a process that is killed in the middle of a turn takes that turn's lines with
 * it.
 */
export function outputByTurns(): DestinationStream & { flushSync(): void } {
  const output = pino.destination({ fd: 1, sync: true, minLength: WAITING_MAX })
  let waiting = false
  const flushSync = () => {
    waiting = false
    output.flushSync()
  }
  process.on('exit', flushSync)
  return {
    write(line) {
      output.write(line)
      if (waiting) return
      waiting = true
      setImmediate(flushSync)
    },
    flushSync,
  }
}

/** JSON lines. Each is searched for secrets as it is written, in whatever field, cause or message one is. */
export function createLogger(
  { secrets = [], ...options }: LoggerOptions,
  destination: DestinationStream = pino.destination(1),
): Logger {
  // As they are in JSON.
  const known = secrets
    .map((secret) => JSON.stringify(secret).slice(1, -1))
    .filter(({ length }) => length >= 8)
  return pino({ ...options, hooks: { streamWrite: (line) => redact(line, known) } }, destination)
}
