import type { Config } from '../config/config.ts'
import { loadConfig } from '../config/config.ts'
import { openDb, openPool } from '../db/client.ts'
import { assertMasterKey } from '../db/master-key.ts'
import { fenced } from '../operations/fence.ts'
import type { Lease } from '../operations/lease.ts'
import { openDoorbell } from '../operations/queue.ts'
import type { TurnObserver } from '../operations/runner.ts'
import type { WorkDeps } from '../operations/server-work.ts'
import { startWorker } from '../operations/worker.ts'
import { workflows } from '../operations/workflows/all.ts'
import { keyRing } from '../secrets/key-ring.ts'
import { createLogger } from '../telemetry/logger.ts'
import { openHost } from './host.ts'
import { masterKeys } from './key-files.ts'
import { openMetadata, queueBackend } from './metadata.ts'
import { runUntilStopped, start } from './run-until-stopped.ts'

const SWEEP_SECONDS = 5
const RECONCILE_SECONDS = 10
/** Beside the turns: renewals of their leases, which must not wait for them, the sweeper and the reconciler. */
const SPARE_CONNECTIONS = 4

/**
 * Runs the worker process until it is told to stop.
 * @param observe told of every turn's commit, beside the log
 */
export async function runWorker(
  config: Config,
  observe: TurnObserver = () => {},
): Promise<{ close(): Promise<void> }> {
  const logger = createLogger({ level: config.LOG_LEVEL, name: 'worker' })
  const host = await openHost(config)
  const ring = keyRing(await masterKeys(config))
  const { connection } = await openMetadata(config, host)
  const metadata = { pool: connection, role: 'undrop_worker' } as const
  const pool = openPool(metadata, config.UNDROP_WORKER_CONCURRENCY + SPARE_CONNECTIONS)
  pool.on('error', (err) => logger.warn({ err }, 'metadata connection lost'))
  const db = openDb(pool)
  await assertMasterKey(db, ring.sealingKeyId)
  const backend = queueBackend(config, metadata)
  const onError = (err: unknown) => logger.error({ err }, 'worker error')
  const doorbell = openDoorbell(backend, onError)

  const workDeps = (lease: Lease | null): WorkDeps => {
    const assertHeld = () => lease?.assertHeld()
    const driver = fenced(host.driver, assertHeld)
    const archives = fenced(host.archives, assertHeld)
    const { engine, adminOsUsers, settings: hostSettings } = host
    const { UNDROP_PORT_RANGE: ports, UNDROP_LISTEN_ADDRESSES: listenAddresses } = config
    return {
      db,
      driver,
      engine,
      archives,
      keyRing: ring,
      ports,
      listenAddresses,
      hostSettings,
      adminOsUsers,
      assertHeld,
    }
  }
  const worker = startWorker({
    db,
    backend,
    doorbell,
    workflows,
    workDeps,
    leaseSeconds: config.UNDROP_LEASE_SECONDS,
    concurrency: config.UNDROP_WORKER_CONCURRENCY,
    sweepEverySeconds: SWEEP_SECONDS,
    reconcileEverySeconds: RECONCILE_SECONDS,
    observe(event) {
      const { thrown, ...turn } = event
      if (thrown === undefined) logger.debug(turn, 'turn')
      else logger.warn({ ...turn, err: thrown }, 'turn')
      observe(event)
    },
    reconciled: ({ error, ...what }) =>
      logger[error === undefined ? 'info' : 'warn']({ ...what, err: error }, 'reconciled'),
    onError,
  })
  logger.info('worker started')
  return {
    async close() {
      await worker.close()
      await doorbell.close()
      await db.destroy()
      logger.info('worker stopped')
    },
  }
}

if (import.meta.main)
  await start(async () => {
    const config = loadConfig(process.env)
    runUntilStopped(await runWorker(config), config.SHUTDOWN_GRACE_SECONDS)
  })
