import { type Config, loadConfig } from '../config/config.ts'
import { openDb, openPool, scopedDb } from '../db/client.ts'
import { openEventFeed } from '../db/event-feed.ts'
import type { TenantScope } from '../db/tenant-scope.ts'
import { hashApiKey } from '../domain/credentials.ts'
import { momentOfMicros } from '../domain/moment.ts'
import { buildServer } from '../http/server.ts'
import { openDoorbell } from '../operations/queue.ts'
import { eventStreams } from '../services/event-streams.ts'
import { createLogger } from '../telemetry/logger.ts'
import { openHost } from './host.ts'
import { platformKey } from './key-files.ts'
import { openMetadata, queueBackend } from './metadata.ts'
import { openKeyRing } from './open-key-ring.ts'
import { runUntilStopped, start } from './run-until-stopped.ts'
import { openWebhookTargets } from './webhooks.ts'

const POOL_SIZE = 10

/** Starts the API process. */
async function startServing(config: Config): Promise<{ close(): Promise<void> }> {
  const logger = createLogger({ level: config.LOG_LEVEL, name: 'api' })
  const host = await openHost(config)
  const { connection } = await openMetadata(config, host)
  const metadata = { pool: connection, role: 'undrop_api' } as const
  const pool = openPool(metadata, POOL_SIZE)
  pool.on('error', (err) => logger.warn({ err }, 'metadata connection lost'))
  const unscopedDb = openDb(pool)
  const ring = await openKeyRing(config, unscopedDb)
  const doorbell = openDoorbell(queueBackend(config, metadata), (err) => logger.warn({ err }, 'queue error'))

  const dbOf = (scope: TenantScope) => scopedDb(pool, scope)
  const onError = (err: unknown) => logger.warn({ err }, 'event feed error')
  const feed = openEventFeed(dbOf('every-tenant'), metadata, onError)
  const streams = eventStreams(feed)

  const app = buildServer({
    dbOf,
    unscopedDb,
    doorbell,
    keyRing: ring,
    platformKeyHash: hashApiKey(await platformKey(config)),
    endpointHost: config.UNDROP_ENDPOINT_HOST,
    postgresVersions: () => host.driver.postgresVersions(),
    archives: host.archives,
    eventStreams: streams,
    webhookTargets: openWebhookTargets(config),
    platformPolicy: config.UNDROP_BACKUP_POLICY,
    checks: { metadata: async () => void (await pool.query('select 1')), queue: () => doorbell.ping() },
    now: () => momentOfMicros(BigInt(Date.now()) * 1000n),
    logger,
  })
  await app.listen({ host: config.HOST, port: config.PORT })
  return {
    async close() {
      streams.endAll()
      await app.close()
      await feed.close()
      await doorbell.close()
      await unscopedDb.destroy()
    },
  }
}

await start(async () => {
  const config = loadConfig(process.env)
  runUntilStopped(await startServing(config), config.SHUTDOWN_GRACE_SECONDS)
})
