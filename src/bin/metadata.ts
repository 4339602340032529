import type pg from 'pg'
import type { Config } from '../config/config.ts'
import type { MetadataConnection } from '../db/client.ts'
import type { QueueBackend } from '../operations/queue.ts'
import { type EmbeddedMetadata, openEmbeddedMetadata } from './embedded-metadata.ts'
import type { Host } from './host.ts'

/** The metadata database that the configuration names, or the embedded one, running. */
export async function openMetadata(config: Config, host: Host): Promise<EmbeddedMetadata> {
  if (config.DATABASE_URL === undefined) return openEmbeddedMetadata(host)
  const connection: pg.PoolConfig = { connectionString: config.DATABASE_URL }
  return { connection, started: false, stop: async () => {} }
}

export function queueBackend(config: Config, metadata: MetadataConnection): QueueBackend {
  return config.REDIS_URL === undefined
    ? { kind: 'postgres', metadata }
    : { kind: 'redis', url: config.REDIS_URL }
}
