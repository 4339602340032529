import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig } from '../../config/config.ts'
import { waitUntil } from '../../lib/wait-until.ts'
import { openHost } from '../host.ts'
import { freePort } from './free-port.ts'

const START_SECONDS_MAX = 60
const START = join(import.meta.dirname, '../start.ts')

export interface TemporaryUndrop {
  url: string
  platformKey: string
  directory: string
  env: NodeJS.ProcessEnv
  /** Everything the processes have printed so far. */
  log(): string
  /** Stops the control plane as SIGTERM does; servers of add-ons go on. */
  stop(): Promise<void>
  /** Starts it again on the same data. */
  start(): Promise<void>
  /** Ends and removes everything, servers of add-ons included. */
  remove(): Promise<void>
}

/** The embedded default as `npm start` runs it, on a free port and in a temporary directory. */
export async function startTemporaryUndrop(variables: NodeJS.ProcessEnv): Promise<TemporaryUndrop> {
  const directory = await mkdtemp(join(tmpdir(), 'undrop-'))
  await chmod(directory, 0o711)
  const port = await freePort()
  const env: NodeJS.ProcessEnv = {
    PATH: process.env['PATH'],
    UNDROP_DATA_DIR: directory,
    PORT: String(port),
    // What is deleted here is to leave nothing.
    UNDROP_BACKUP_POLICY: '{"deletedRetentionDays":0}',
    ...variables,
  }
  const url = `http://127.0.0.1:${port}`
  const output: string[] = []
  let child: ChildProcess

  const start = async () => {
    child = fork(START, { env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk) => output.push(String(chunk)))
    const settled = async () => hasEnded(child) || (await answers(`${url}/readyz`))
    await waitUntil(settled, { timeoutSeconds: START_SECONDS_MAX, everyMilliseconds: 20 })
    if (hasEnded(child) || !(await answers(`${url}/readyz`)))
      throw new Error(`Undrop did not start:\n${output.join('')}`)
  }
  const stop = async () => {
    if (hasEnded(child)) return
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
  const remove = async () => {
    await stop()
    await removeServers(env)
    await rm(directory, { recursive: true, force: true })
  }

  try {
    await start()
  } catch (error) {
    await remove()
    throw error
  }
  const platformKey =
    env['UNDROP_PLATFORM_KEY'] ?? (await readFile(join(directory, 'platform-key'), 'utf8')).trim()
  return { url, platformKey, directory, env, log: () => output.join(''), stop, start, remove }
}

const hasEnded = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null

const answers = (url: string) =>
  fetch(url).then(
    ({ ok }) => ok,
    () => false,
  )

/** Add-on servers outlive the control plane by design; what is temporary takes them along. */
async function removeServers(env: NodeJS.ProcessEnv): Promise<void> {
  const { driver, metadataDriver } = await openHost(loadConfig(env))
  for (const serverId of await driver.listInstances()) await driver.destroyInstance(serverId)
  for (const cluster of await metadataDriver.listInstances()) await metadataDriver.destroyInstance(cluster)
}
