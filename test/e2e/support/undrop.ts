import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openHost } from '../../../src/bin/host.ts'
import { loadConfig } from '../../../src/config/config.ts'
import { waitUntil } from '../../../src/lib/wait-until.ts'
import { type Client, createClient } from '../client/client/index.ts'

const START_SECONDS_MAX = 60

export interface Undrop {
  /** The generated client, with the platform's key. */
  client: Client
  url: string
  platformKey: string
  directory: string
  env: NodeJS.ProcessEnv
  /** Everything the processes have printed so far. */
  log(): string
  /** Pid of the process that runs this file of src/bin, as `ps` shows it. */
  pidOf(file: 'api.ts' | 'worker.ts'): Promise<number>
  /** Stops the control plane as SIGTERM does; servers of add-ons go on. */
  stop(): Promise<void>
  /** Starts it again on the same data. */
  start(): Promise<void>
  /** Ends and removes everything. */
  remove(): Promise<void>
}

/** The embedded default as `npm start` runs it, on a free port and in a temporary directory. */
export async function startUndrop(extraEnv: NodeJS.ProcessEnv = {}): Promise<Undrop> {
  const directory = await mkdtemp(join(tmpdir(), 'undrop-e2e-'))
  await chmod(directory, 0o711)
  const port = await freePort()
  const env = {
    PATH: process.env['PATH'],
    UNDROP_DATA_DIR: directory,
    PORT: String(port),
    LOG_LEVEL: 'debug',
    ...extraEnv,
  }
  const url = `http://127.0.0.1:${port}`
  const output: string[] = []
  let child: ChildProcess

  const start = async () => {
    child = fork(join(import.meta.dirname, '../../../src/bin/start.ts'), {
      env,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk) => output.push(String(chunk)))
    const isReady = () =>
      fetch(`${url}/readyz`).then(
        ({ ok }) => ok,
        () => child.exitCode !== null,
      )
    const ready = await waitUntil(isReady, { timeoutSeconds: START_SECONDS_MAX, everyMilliseconds: 20 })
    if (!ready || child.exitCode !== null) throw new Error(`Undrop did not start:\n${output.join('')}`)
  }
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
  const remove = async () => {
    await stop()
    const { driver, metadataDriver } = await openHost(loadConfig(env))
    for (const serverId of await driver.listInstances()) await driver.destroyInstance(serverId)
    for (const cluster of await metadataDriver.listInstances()) await metadataDriver.destroyInstance(cluster)
    await rm(directory, { recursive: true, force: true })
  }

  try {
    await start()
  } catch (error) {
    await remove()
    throw error
  }
  const platformKey = (await readFile(join(directory, 'platform-key'), 'utf8')).trim()
  const client = createClient({ baseUrl: url, auth: platformKey })
  const pidOf = async (file: string) => {
    const started = [...output.join('').matchAll(/^.*"process started".*$/gm)].map(
      ([line]) => JSON.parse(line) as { file: string; pid: number },
    )
    const pid = started.findLast((process) => process.file === file)?.pid
    if (pid === undefined) throw new Error(`${file} was not started`)
    return pid
  }
  return { client, url, platformKey, directory, env, log: () => output.join(''), pidOf, stop, start, remove }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (address === null || typeof address === 'string') throw new Error('no free port')
  return address.port
}
