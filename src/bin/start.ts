import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type pg from 'pg'
import { type Config, loadConfig } from '../config/config.ts'
import { openDb, openPool } from '../db/client.ts'
import { applyMigrations } from '../db/migrations.ts'
import type { Logger } from '../telemetry/logger.ts'
import { assertArchivesUsable } from './archives.ts'
import { holdMetadata } from './hold-metadata.ts'
import { openHost } from './host.ts'
import { platformKey } from './key-files.ts'
import { openMetadata } from './metadata.ts'
import { openKeyRing } from './open-key-ring.ts'
import { runUntilStopped, start } from './run-until-stopped.ts'
import { openLog } from './telemetry.ts'

const RESTART_SECONDS = 1
/** A process that ends this soon after its first start has been told something impossible, such as a port in use. */
const SETTLED_SECONDS = 5

/** One command for everything: the metadata database, its migrations, and the API and a worker as processes of their own. */
async function startAll(config: Config): Promise<{ close(): Promise<void> }> {
  const logger = openLog(config, 'start')
  const host = await openHost(config)
  await assertArchivesUsable(host.archives, logger)
  const metadata = await openMetadata(config, host)
  const hold = await holdMetadata(
    config,
    metadata.connection,
    logger,
    async () => void (await openMetadata(config, host)),
  )
  try {
    await applyMigrations(metadata.connection)
    await assertSealedByUs(config, metadata.connection)
    await platformKey(config)
    const children = ['api.ts', 'worker.ts'].map((file) => keepRunning(file, logger))
    return {
      async close() {
        await Promise.all(children.map(({ stop }) => stop()))
        await hold.release()
        await metadata.stop()
      },
    }
  } catch (error) {
    await hold.release()
    await metadata.stop()
    throw error
  }
}

/** Also done by each process; here the answer is for whoever typed the command. */
async function assertSealedByUs(config: Config, connection: pg.PoolConfig): Promise<void> {
  const db = openDb(openPool({ pool: connection, role: 'undrop_worker' }, 1))
  try {
    await openKeyRing(config, db)
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
  runUntilStopped(await startAll(config), config.SHUTDOWN_DELAY_SECONDS + config.SHUTDOWN_GRACE_SECONDS + 10)
})
