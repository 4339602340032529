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
