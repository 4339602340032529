import { fork } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { loadConfig } from '../../config/config.ts'
import { openHost } from '../host.ts'

const START_SECONDS_MAX = 60

/** Starts the embedded default in a temporary directory, as `npm start` does. */
export async function startUndrop() {
  const directory = await mkdtemp(join(tmpdir(), 'undrop-demo-'))
  await chmod(directory, 0o711)
  const port = await freePort()
  const env = { PATH: process.env['PATH'], UNDROP_DATA_DIR: directory, PORT: String(port), LOG_LEVEL: 'warn' }
  const startedAt = performance.now()
  const child = fork(join(import.meta.dirname, '../start.ts'), {
    env,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const output: string[] = []
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => output.push(String(chunk)))

  const remove = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM')
      await once(child, 'exit')
    }
    await removeServers({ ...env })
    await rm(directory, { recursive: true, force: true })
  }
  const url = `http://127.0.0.1:${port}`
  const ready = () =>
    fetch(`${url}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    )
  while (!(await ready())) {
    if (child.exitCode !== null || performance.now() - startedAt > START_SECONDS_MAX * 1000) {
      await remove()
      throw new Error(`Undrop did not start:\n${output.join('')}`)
    }
    await delay(20)
  }
  return {
    url,
    platformKey: (await readFile(join(directory, 'platform-key'), 'utf8')).trim(),
    startSeconds: (performance.now() - startedAt) / 1000,
    log: () => output.join(''),
    remove,
  }
}

/** Add-on servers outlive the control plane by design; the demo takes them along. */
async function removeServers(env: NodeJS.ProcessEnv): Promise<void> {
  const { driver, metadataDriver } = await openHost(loadConfig(env))
  for (const serverId of await driver.listInstances()) await driver.destroyInstance(serverId)
  for (const cluster of await metadataDriver.listInstances()) await metadataDriver.destroyInstance(cluster)
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (address === null || typeof address === 'string') throw new Error('no free port')
  return address.port
}
