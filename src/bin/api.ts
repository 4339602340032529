import { setTimeout as delay } from 'node:timers/promises'
import { type Config, loadConfig } from '../config/config.ts'
import { openDb, openPool, scopedDb } from '../db/client.ts'
import { hashApiKey } from '../domain/credentials.ts'
import { momentOfMicros } from '../domain/moment.ts'
import { buildServer } from '../http/server.ts'
import { openDoorbell } from '../operations/queue.ts'
import { httpMetrics } from '../telemetry/http-metrics.ts'
import { processMetrics } from '../telemetry/process-metrics.ts'
import { readinessChecks } from './checks.ts'
import { openHost } from './host.ts'
import { platformKey } from './key-files.ts'
import { openMetadata, queueBackend } from './metadata.ts'
import { openKeyRing } from './open-key-ring.ts'
import { runUntilStopped, start } from './run-until-stopped.ts'
import { openLog, openTraces } from './telemetry.ts'
import { openWebhookTargets } from './webhooks.ts'

const POOL_SIZE = 10

/** Starts the API process. */
async function startServing(config: Config): Promise<{ close(): Promise<void> }> {
  const logger = openLog(config, 'api')
  const tracing = await openTraces(config, 'api')
  const host = await openHost(config)
  const { connection } = await openMetadata(config, host)
  const metadata = { pool: connection, role: 'undrop_api' } as const
  const pool = openPool(metadata, POOL_SIZE)
  pool.on('error', (err) => logger.warn({ err }, 'metadata connection lost'))
  const unscopedDb = openDb(pool)
  const ring = await openKeyRing(config, unscopedDb)
  const doorbell = openDoorbell(queueBackend(config, metadata), (err) => logger.warn({ err }, 'queue error'))

  const metrics = processMetrics({ pool, queue: () => doorbell.counts() })
  let stopping = false
  const app = buildServer({
    dbOf: (scope) => scopedDb(pool, scope),
    unscopedDb,
    doorbell,
    keyRing: ring,
    platformKeyHash: hashApiKey(await platformKey(config)),
    endpointHost: config.UNDROP_ENDPOINT_HOST,
    postgresVersions: () => host.driver.postgresVersions(),
    archives: host.archives,
    webhookTargets: openWebhookTargets(config),
    platformPolicy: config.UNDROP_BACKUP_POLICY,
    checks: await readinessChecks({ db: unscopedDb, queue: doorbell, isStopping: () => stopping }),
    served: httpMetrics(metrics),
    processMetrics: () => metrics.metrics(),
    tracing,
    now: () => momentOfMicros(BigInt(Date.now()) * 1000n),
    logger,
  })
  await app.listen({ host: config.HOST, port: config.PORT })
  return {
    async close() {
      logger.info('the API stops')
      // Whoever hands out requests is to notice before the port closes.
      stopping = true
      await delay(config.SHUTDOWN_DELAY_SECONDS * 1000)
      await app.close()
      await doorbell.close()
      await unscopedDb.destroy()
      await tracing?.close()
      logger.info('the API has stopped')
    },
  }
}

await start(async () => {
  const config = loadConfig(process.env)
  runUntilStopped(await startServing(config), config.SHUTDOWN_DELAY_SECONDS + config.SHUTDOWN_GRACE_SECONDS)
})
