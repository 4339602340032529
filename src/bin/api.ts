import { type Config, loadConfig } from '../config/config.ts'
import { openPool, scopedDb, unenteredDb } from '../db/client.ts'
import { hashApiKey } from '../domain/credentials.ts'
import { momentOfMicros } from '../domain/moment.ts'
import { buildServer, type ServerDeps } from '../http/server.ts'
import { openDoorbell } from '../operations/queue.ts'
import { createLogger } from '../telemetry/logger.ts'
import { openAdmissionLimits } from './admission-limits.ts'
import { apiPool } from './api-pool.ts'
import { openHost } from './host.ts'
import { platformKey } from './key-files.ts'
import { openMetadata, queueBackend } from './metadata.ts'
import { openKeyRing } from './open-key-ring.ts'
import { runUntilStopped, start } from './run-until-stopped.ts'

/** Starts the API process. */
async function startServing(config: Config): Promise<{ close(): Promise<void> }> {
  const logger = createLogger({ level: config.LOG_LEVEL, name: 'api' })
  const host = await openHost(config)
  const { connection } = await openMetadata(config, host)
  const metadata = { pool: connection, role: 'undrop_api' } as const
  const pool = openPool(...apiPool(metadata, config.UNDROP_API_CONNECTIONS))
  pool.on('error', (err) => logger.warn({ err }, 'metadata connection lost'))
  const unscopedDb = unenteredDb(pool)
  const ring = await openKeyRing(config, unscopedDb)
  const doorbell = openDoorbell(queueBackend(config, metadata), (err) => logger.warn({ err }, 'queue error'))

  const admission = openAdmissionLimits(config)

  const deps: ServerDeps = {
    dbOf: (scope) => scopedDb(pool, scope),
    unscopedDb,
    doorbell,
    keyRing: ring,
    platformKeyHash: hashApiKey(await platformKey(config)),
    endpointHost: config.UNDROP_ENDPOINT_HOST,
    postgresVersions: () => host.driver.postgresVersions(),
    archives: host.archives,
    platformPolicy: config.UNDROP_BACKUP_POLICY,
    platformQuotas: config.UNDROP_QUOTAS,
    checks: { metadata: async () => void (await pool.query('select 1')), queue: () => doorbell.ping() },
    now: () => momentOfMicros(BigInt(Date.now()) * 1000n),
    logger,
  }
  const app = buildServer(deps, { limits: admission.limits, checkAnswers: false })
  await app.listen({ host: config.HOST, port: config.PORT })
  return {
    async close() {
      await app.close()
      await doorbell.close()
      admission.close()
      await pool.end()
    },
  }
}

await start(async () => {
  const config = loadConfig(process.env)
  runUntilStopped(await startServing(config), config.SHUTDOWN_GRACE_SECONDS)
})
