import { setTimeout as delay } from 'node:timers/promises'
import { type Config, loadConfig } from '../config/config.ts'
import { type Db, type MetadataConnection, scopedDb, unenteredDb } from '../db/client.ts'
import { openEventFeed } from '../db/event-feed.ts'
import type { TenantScope } from '../db/tenant-scope.ts'
import { hashApiKey } from '../domain/credentials.ts'
import { momentOfMicros } from '../domain/moment.ts'
import { buildServer, type ServerDeps } from '../http/server.ts'
import { openDoorbell } from '../operations/queue.ts'
import { eventStreams } from '../services/event-streams.ts'
import { httpMetrics } from '../telemetry/http-metrics.ts'
import { outputByTurns } from '../telemetry/logger.ts'
import { processMetrics } from '../telemetry/process-metrics.ts'
import { openAdmissionLimits } from './admission-limits.ts'
import { apiPools } from './api-pool.ts'
import { readinessChecks } from './checks.ts'
import { openHost } from './host.ts'
import { platformKey } from './key-files.ts'
import { openMetadata, queueBackend } from './metadata.ts'
import { openKeyRing } from './open-key-ring.ts'
import { runUntilStopped, start } from './run-until-stopped.ts'
import { openLog, openTraces } from './telemetry.ts'
import { openWebhookTargets } from './webhooks.ts'

/** Starts the API process. */
async function startServing(config: Config): Promise<{ close(): Promise<void> }> {
  const logger = openLog(config, 'api', outputByTurns())
  const tracing = await openTraces(config, 'api')
  const host = await openHost(config)
  const { connection } = await openMetadata(config, host)
  const metadata = { pool: connection, role: 'undrop_api' } as const
  const onLost = (err: Error) => logger.warn({ err }, 'metadata connection lost')
  const { pool, unenteredPool } = apiPools(metadata, config.UNDROP_API_CONNECTIONS, onLost)
  const unscopedDb = unenteredDb(unenteredPool)
  const ring = await openKeyRing(config, unscopedDb)
  const doorbell = openDoorbell(queueBackend(config, metadata), (err) => logger.warn({ err }, 'queue error'))

  const metrics = processMetrics({ pool, queue: () => doorbell.counts() })
  const admission = openAdmissionLimits(config)
  const dbOf = (scope: TenantScope) => scopedDb(pool, scope)
  const { feed, streams } = openStreams(dbOf('every-tenant'), metadata, logger)
  let stopping = false
  const deps: ServerDeps = {
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
    platformQuotas: config.UNDROP_QUOTAS,
    checks: await readinessChecks({ db: unscopedDb, queue: doorbell, isStopping: () => stopping }),
    served: httpMetrics(metrics),
    processMetrics: () => metrics.metrics(),
    tracing,
    now: () => momentOfMicros(BigInt(Date.now()) * 1000n),
    logger,
  }
  const app = buildServer(deps, {
    limits: admission.limits,
    checkAnswers: false,
    trustedProxies: config.UNDROP_TRUSTED_PROXIES,
  })
  await app.listen({ host: config.HOST, port: config.PORT })
  return {
    async close() {
      logger.info('the API stops')
      // Whoever hands out requests is to notice before the port closes.
      stopping = true
      await delay(config.SHUTDOWN_DELAY_SECONDS * 1000)
      streams.endAll()
      await app.close()
      await feed.close()
      await doorbell.close()
      admission.close()
      await Promise.all([pool.end(), unenteredPool.end()])
      await tracing?.close()
      logger.info('the API has stopped')
    },
  }
}

function openStreams(db: Db, metadata: MetadataConnection, logger: ReturnType<typeof openLog>) {
  const feed = openEventFeed(db, metadata, (err) => logger.warn({ err }, 'event feed error'))
  return { feed, streams: eventStreams(feed) }
}

await start(async () => {
  const config = loadConfig(process.env)
  runUntilStopped(await startServing(config), config.SHUTDOWN_DELAY_SECONDS + config.SHUTDOWN_GRACE_SECONDS)
})
