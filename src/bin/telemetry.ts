import type { DestinationStream } from 'pino'
import type { Config } from '../config/config.ts'
import { createLogger, type Logger } from '../telemetry/logger.ts'
import type { Tracing } from '../telemetry/traces.ts'
import { openTracing } from '../telemetry/tracing.ts'

/** The log of a process, which is searched for the secrets that its configuration holds. */
export const openLog = (config: Config, name: string, destination?: DestinationStream): Logger =>
  createLogger({ level: config.LOG_LEVEL, name, secrets: secretsOf(config) }, destination)

export const openTraces = (config: Config, name: string): Promise<Tracing | undefined> =>
  openTracing(config.OTEL_EXPORTER_OTLP_ENDPOINT, `undrop-${name}`)

/** Every secret of the environment, as it could turn up in a text. */
export function secretsOf(config: Config): string[] {
  const { UNDROP_MASTER_KEY: key, UNDROP_OLD_MASTER_KEYS: old = [] } = config
  const passwords = [config.DATABASE_URL, config.REDIS_URL].flatMap((url) => {
    const encoded = url === undefined ? '' : new URL(url).password
    return [encoded, decodeURIComponent(encoded)]
  })
  const masterKeys = [...(key === undefined ? [] : [key]), ...old].map((bytes) => bytes.toString('base64'))
  const all = [config.UNDROP_PLATFORM_KEY, config.S3_SECRET_ACCESS_KEY, ...masterKeys, ...passwords]
  return [...new Set(all.filter((secret) => secret !== undefined && secret !== ''))] as string[]
}
