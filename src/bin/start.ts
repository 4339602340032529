import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { loadConfig } from '../config/config.ts'
import { applyMigrations } from '../db/migrations.ts'
import { createLogger } from '../telemetry/logger.ts'
import { openHost } from './host.ts'
import { masterKeys, platformKey } from './key-files.ts'
import { openMetadata } from './metadata.ts'
import { runUntilStopped } from './run-until-stopped.ts'

const RESTART_SECONDS = 1

// One command for everything: the metadata database, its migrations, and the API and a worker as processes of their own.
const config = loadConfig(process.env)
const logger = createLogger({ level: config.LOG_LEVEL, name: 'start' })
const host = await openHost(config)
const metadata = await openMetadata(config, host)
await applyMigrations(metadata.connection)
await masterKeys(config)
await platformKey(config)

const stopping = new AbortController()
const children = ['api.ts', 'worker.ts'].map((file) => keepRunning(file, stopping.signal))

runUntilStopped(
  {
    async close() {
      stopping.abort()
      await Promise.all(children.map(({ stop }) => stop()))
      await metadata.stop()
    },
  },
  config.SHUTDOWN_GRACE_SECONDS + 10,
)

/** A process that ends by itself is started again; what it was at is in the metadata database. */
function keepRunning(file: string, signal: AbortSignal): { stop(): Promise<void> } {
  let child: ChildProcess
  const start = () => {
    child = fork(join(import.meta.dirname, file), {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      detached: true,
    })
    logger.info({ file, pid: child.pid }, 'process started')
    child.once('exit', (code, killedBy) => {
      if (signal.aborted) return
      logger.error({ file, code, killedBy }, 'process ended, starting it again')
      setTimeout(start, RESTART_SECONDS * 1000)
    })
  }
  start()
  return {
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
  }
}
