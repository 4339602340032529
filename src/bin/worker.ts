import type { Config } from '../config/config.ts'
import { loadConfig } from '../config/config.ts'
import { type Db, openDb, openPool } from '../db/client.ts'
import { notePlatformPolicy } from '../db/schedule.ts'
import { signingAuthority } from '../operations/certificate-authority.ts'
import { startPlacingEvents } from '../operations/event-placer.ts'
import { fenced } from '../operations/fence.ts'
import type { Lease } from '../operations/lease.ts'
import { openDoorbell } from '../operations/queue.ts'
import type { WorkDeps, WrittenConfigs } from '../operations/server-work.ts'
import { startWorker } from '../operations/worker.ts'
import { workflows } from '../operations/workflows/all.ts'
import type { KeyRing } from '../secrets/key-ring.ts'
import { type Listener, listen } from '../telemetry/listener.ts'
import { operationMetrics } from '../telemetry/operation-metrics.ts'
import { processMetrics } from '../telemetry/process-metrics.ts'
import type { Checks } from '../telemetry/readiness.ts'
import { assertArchivesUsable } from './archives.ts'
import { readinessChecks } from './checks.ts'
import { type Host, openHost } from './host.ts'
import { openMetadata, queueBackend } from './metadata.ts'
import { observeTurns } from './observe-turns.ts'
import { openKeyRing } from './open-key-ring.ts'
import { runUntilStopped, start } from './run-until-stopped.ts'
import { openLog, openTraces } from './telemetry.ts'
import { openDispatcher } from './webhooks.ts'

const SWEEP_SECONDS = 5
const RECONCILE_SECONDS = 10
/** Beside the turns: renewals of their leases, which must not wait for them, the sweeper, and two for each kind of rounds. */
const SPARE_CONNECTIONS = 8

/** Of this process. */
const WRITTEN_CONFIGS: WrittenConfigs = new Map()
const LOADED_CONFIGS = new Map<string, string>()

/** Starts the worker process. */
async function startWorking(config: Config): Promise<{ close(): Promise<void> }> {
  const logger = openLog(config, 'worker')
  const tracing = await openTraces(config, 'worker')
  const host = await openHost(config)
  await assertArchivesUsable(host.archives, logger)
  const { connection } = await openMetadata(config, host)
  const metadata = { pool: connection, role: 'undrop_worker' } as const
  const pool = openPool(metadata, config.UNDROP_WORKER_CONCURRENCY + SPARE_CONNECTIONS)
  pool.on('error', (err) => logger.warn({ err }, 'metadata connection lost'))
  const db = openDb(pool)
  const ring = await openKeyRing(config, db)
  await signingAuthority(db, ring)
  await notePlatformPolicy(db, config.UNDROP_BACKUP_POLICY)
  const backend = queueBackend(config, metadata)
  const onError = (err: unknown) => logger.error({ err }, 'worker error')
  const doorbell = openDoorbell(backend, onError)

  let stopping = false
  const metrics = processMetrics({ pool, queue: () => doorbell.counts() })
  const checks = await readinessChecks({ db, queue: doorbell, isStopping: () => stopping })
  const listener = await openListener(config, checks, () => metrics.metrics())
  const worker = startWorker({
    db,
    backend,
    doorbell,
    workflows,
    workDeps: (lease) => workDeps(config, host, db, ring, lease),
    leaseSeconds: config.UNDROP_LEASE_SECONDS,
    concurrency: config.UNDROP_WORKER_CONCURRENCY,
    sweepEverySeconds: SWEEP_SECONDS,
    reconcileEverySeconds: RECONCILE_SECONDS,
    schedule: {
      platformPolicy: config.UNDROP_BACKUP_POLICY,
      backupsMax: config.UNDROP_BACKUPS_MAX,
      keyRing: ring,
      eventsKeptDays: config.UNDROP_EVENTS_KEPT_DAYS,
    },
    observe: observeTurns(logger, operationMetrics(metrics)),
    inSpan: tracing?.inSpan,
    reconciled: ({ error, ...what }) =>
      logger[error === undefined ? 'info' : 'warn']({ ...what, err: error }, 'reconciled'),
    onError,
  })
  const webhooks = await openDispatcher(config, metadata, ring, onError)
  const placer = startPlacingEvents(db, metadata, onError)
  logger.info('worker started')
  return {
    async close() {
      logger.info('worker stops')
      stopping = true
      await Promise.all([worker.close(), webhooks.close()])
      await placer.close()
      await listener?.close()
      await doorbell.close()
      await db.destroy()
      await tracing?.close()
      logger.info('worker stopped')
    },
  }
}

/** Null when the configuration has no port for it. */
async function openListener(
  config: Config,
  checks: Checks,
  metrics: () => Promise<string>,
): Promise<Listener | null> {
  const { UNDROP_WORKER_METRICS_HOST: host, UNDROP_WORKER_METRICS_PORT: port } = config
  return port === undefined ? null : listen({ host, port, checks, metrics })
}

/** What steps work with; every actor in it refuses to act once the lease is gone. Without a lease, the reconciler's. */
function workDeps(config: Config, host: Host, db: Db, ring: KeyRing, lease: Lease | null): WorkDeps {
  const assertHeld = () => lease?.assertHeld()
  return {
    db,
    keyRing: ring,
    engine: host.engine,
    driver: fenced(host.driver, assertHeld),
    archives: fenced(host.archives, assertHeld),
    ports: config.UNDROP_PORT_RANGE,
    listenAddresses: config.UNDROP_LISTEN_ADDRESSES,
    endpointHost: config.UNDROP_ENDPOINT_HOST,
    hostSettings: host.settings,
    adminOsUsers: host.adminOsUsers,
    platformPolicy: config.UNDROP_BACKUP_POLICY,
    backupsMax: config.UNDROP_BACKUPS_MAX,
    surveyEverySeconds: config.UNDROP_SURVEY_SECONDS,
    writtenConfigs: WRITTEN_CONFIGS,
    loadedConfigs: LOADED_CONFIGS,
    assertHeld,
  }
}

await start(async () => {
  const config = loadConfig(process.env)
  runUntilStopped(await startWorking(config), config.SHUTDOWN_GRACE_SECONDS)
})
