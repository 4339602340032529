import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inject, onTestFinished } from 'vitest'
import { freePort } from '../../../src/bin/demo/free-port.ts'
import { freshMetadata } from '../../support/metadata-database.ts'
import { until } from '../../support/until.ts'

export const PLATFORM_KEY = `udk_${'p'.repeat(43)}`

export interface TestProcess {
  url: string
  child: ChildProcess
  log(): string
  /** Status and body of /readyz; null while nobody answers. */
  ready(): Promise<{ status: number; failed: string[] } | null>
  ended: Promise<unknown[]>
}

/** A process of src/bin on a metadata database of its own, as soon as it answers. */
export async function startProcess(
  file: 'api' | 'worker',
  variables: NodeJS.ProcessEnv = {},
): Promise<TestProcess & { database: string; shared: NodeJS.ProcessEnv }> {
  const directory = await mkdtemp(join(tmpdir(), 'undrop-'))
  await chmod(directory, 0o711)
  const port = String(await freePort())
  const { connection } = await freshMetadata()
  const { host, port: databasePort } = inject('testCluster')
  const database = String(connection.pool.database)
  const env: NodeJS.ProcessEnv = {
    PATH: process.env['PATH'],
    UNDROP_DATA_DIR: directory,
    [file === 'api' ? 'PORT' : 'UNDROP_WORKER_METRICS_PORT']: port,
    UNDROP_PLATFORM_KEY: PLATFORM_KEY,
    UNDROP_MASTER_KEY: randomBytes(32).toString('base64'),
    DATABASE_URL: `postgresql://postgres@localhost/${database}?host=${host}&port=${databasePort}`,
    LOG_LEVEL: 'debug',
    ...variables,
  }
  const path = join(import.meta.dirname, `../../../src/bin/${file}.ts`)
  const child = fork(path, { env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
  const output: string[] = []
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => output.push(String(chunk)))
  const ended = once(child, 'exit')
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
    await rm(directory, { recursive: true, force: true })
  })
  const url = `http://127.0.0.1:${port}`
  const ready: TestProcess['ready'] = async () => {
    const response = await fetch(`${url}/readyz`).catch(() => null)
    if (response === null) return null
    const { failed = [] } = (await response.json()) as { failed?: string[] }
    return { status: response.status, failed }
  }
  await until(async () => child.exitCode !== null || (await ready()) !== null)
  const { UNDROP_DATA_DIR, UNDROP_MASTER_KEY, DATABASE_URL } = env
  const shared = { UNDROP_DATA_DIR, UNDROP_MASTER_KEY, DATABASE_URL }
  if (child.exitCode !== null) throw new Error(`${file} did not start:\n${output.join('')}`)
  return { url, child, ready, ended, log: () => output.join(''), database, shared }
}
