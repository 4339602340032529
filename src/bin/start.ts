import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { type Config, loadConfig } from '../config/config.ts'
import { openDb, openPool } from '../db/client.ts'
import { assertMasterKey } from '../db/master-key.ts'
import { applyMigrations } from '../db/migrations.ts'
import { keyRing } from '../secrets/key-ring.ts'
import { createLogger, type Logger } from '../telemetry/logger.ts'
import { openHost } from './host.ts'
import { masterKeys, platformKey } from './key-files.ts'
import { openMetadata } from './metadata.ts'
import { runUntilStopped, start } from './run-until-stopped.ts'

const RESTART_SECONDS = 1
/** A process that ends this soon after its first start has been told something impossible, such as a port in use. */
const SETTLED_SECONDS = 5
/** Held for as long as this process lives; a number that nobody else in the metadata database takes a lock on. */
const START_LOCK = 8_736_703

/** One command for everything: the metadata database, its migrations, and the API and a worker as processes of their own. */
async function startAll(config: Config): Promise<{ close(): Promise<void> }> {
  const logger = createLogger({ level: config.LOG_LEVEL, name: 'start' })
  const host = await openHost(config)
  const metadata = await openMetadata(config, host)
  const lock = await lockDirectory(config, metadata.connection, () => openMetadata(config, host), logger)
  try {
    await applyMigrations(metadata.connection)
    await assertSealedByUs(config, metadata.connection)
    await platformKey(config)
    const children = ['api.ts', 'worker.ts'].map((file) => keepRunning(file, logger))
    return {
      async close() {
        await Promise.all(children.map(({ stop }) => stop()))
        await lock.end()
        await metadata.stop()
      },
    }
  } catch (error) {
    await lock.end()
    await metadata.stop()
    throw error
  }
}

/**
 * Two of us on one data directory would stop each other's metadata cluster, so the first holds a lock in it. That
 * session is also how the end of the cluster is noticed; it is started again.
 */
async function lockDirectory(
  config: Config,
  connection: pg.PoolConfig,
  reopen: () => Promise<unknown>,
  logger: Logger,
): Promise<{ end(): Promise<void> }> {
  if (config.DATABASE_URL !== undefined) return { end: async () => {} }
  let stopping = false
  const lock = async (): Promise<pg.Client> => {
    const session = new pg.Client(connection)
    session.on('error', () => {})
    await session.connect()
    const { rows } = await session.query<{ locked: boolean }>('select pg_try_advisory_lock($1) as locked', [
      START_LOCK,
    ])
    if (rows[0]?.locked !== true) {
      await session.end()
      throw new Error(`Undrop runs on ${config.UNDROP_DATA_DIR} already`)
    }
    session.once('end', () => {
      if (!stopping) void restart()
    })
    return session
  }
  const restart = async () => {
    logger.error('the metadata cluster is gone, starting it again')
    while (!stopping) {
      try {
        await reopen()
        session = await lock()
        return
      } catch (err) {
        logger.error({ err }, 'the metadata cluster does not come back')
        await delay(RESTART_SECONDS * 1000)
      }
    }
  }
  let session = await lock()
  return {
    async end() {
      stopping = true
      await session.end()
    },
  }
}

/** Also done by each process; here the answer is for whoever typed the command. */
async function assertSealedByUs(config: Config, connection: pg.PoolConfig): Promise<void> {
  const { sealingKeyId } = keyRing(await masterKeys(config))
  const db = openDb(openPool({ pool: connection, role: 'undrop_worker' }, 1))
  try {
    await assertMasterKey(db, sealingKeyId)
  } finally {
    await db.destroy()
  }
}

/** A process that ends by itself is started again; what it was at is in the metadata database. */
function keepRunning(file: string, logger: Logger): { stop(): Promise<void> } {
  const firstStartAt = performance.now()
  let stopping = false
  let timer: NodeJS.Timeout | undefined
  let child: ChildProcess
  const run = () => {
    child = fork(join(import.meta.dirname, file), {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      detached: true,
    })
    logger.info({ file, pid: child.pid }, 'process started')
    child.once('exit', (code, killedBy) => {
      if (stopping) return
      if (code !== null && performance.now() - firstStartAt < SETTLED_SECONDS * 1000) {
        process.exitCode = 1
        return void process.kill(process.pid, 'SIGTERM')
      }
      logger.error({ file, code, killedBy }, 'process ended, starting it again')
      timer = setTimeout(run, RESTART_SECONDS * 1000)
    })
  }
  run()
  return {
    async stop() {
      stopping = true
      clearTimeout(timer)
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
  }
}

await start(async () => {
  const config = loadConfig(process.env)
  runUntilStopped(await startAll(config), config.SHUTDOWN_GRACE_SECONDS + 10)
})
