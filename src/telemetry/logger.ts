import { type DestinationStream, type Logger, pino } from 'pino'

export type { Logger }

const SECRET_FIELDS = ['authorization', 'password', 'secret', 'cipherPass', 'masterKey', 'token']
const DEPTHS = ['', '*.', '*.*.']

export interface LoggerOptions {
  level: string
  /** Of the process that logs. */
  name?: string
}

/** JSON lines. Fields that hold secrets are blanked down to the third level, should one be logged by mistake. */
export function createLogger(
  options: LoggerOptions,
  destination: DestinationStream = pino.destination(1),
): Logger {
  const paths = DEPTHS.flatMap((depth) => SECRET_FIELDS.map((field) => depth + field))
  return pino({ ...options, redact: { paths, censor: '[redacted]' } }, destination)
}
