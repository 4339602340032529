import { type ChildProcess, execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { waitUntil } from '../../src/lib/wait-until.ts'

const START_SECONDS_MAX = 60

export interface HttpProcess {
  url: string
  [Symbol.asyncDispose](): Promise<void>
}

/** Starts a process of its own that serves HTTP on that port; what it logs is written, and read by nobody. */
export async function startHttp(
  file: string,
  port: number,
  env: NodeJS.ProcessEnv,
  readyPath: string,
): Promise<HttpProcess> {
  const url = `http://127.0.0.1:${port}`
  const execArgv = process.env['BENCH_CPU_PROFILE']
    ? ['--cpu-prof', '--cpu-prof-dir=/tmp/undrop-profiles']
    : []
  const child: ChildProcess = fork(join(import.meta.dirname, file), {
    env: { PATH: process.env['PATH'], PORT: String(port), ...env },
    execArgv,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const answers = () =>
    fetch(url + readyPath).then(
      ({ ok }) => ok,
      () => false,
    )
  const ended = () => child.exitCode !== null || child.signalCode !== null
  await waitUntil(async () => ended() || (await answers()), {
    timeoutSeconds: START_SECONDS_MAX,
    everyMilliseconds: 50,
  })
  if (ended()) throw new Error(`${file} did not start`)
  return {
    url,
    async [Symbol.asyncDispose]() {
      if (ended()) return
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
  }
}

const AUTOCANNON = fileURLToPath(import.meta.resolve('autocannon'))

/** Requests per second that are answered when as many connections as there are ask one after the other. */
export async function throughput(
  url: string,
  secret: string,
  { seconds, connections }: { seconds: number; connections: number },
): Promise<number> {
  const options = [
    '--connections',
    String(connections),
    '--duration',
    String(seconds),
    '--json',
    '--no-progress',
  ]
  const header = `authorization=Bearer ${secret}`
  const argv = [AUTOCANNON, ...options, '--headers', header, url]
  const { stdout } = await promisify(execFile)(process.execPath, argv, { maxBuffer: 1e8 })
  const result = JSON.parse(stdout) as { '2xx': number; non2xx: number; errors: number; duration: number }
  if (result.non2xx + result.errors > 0)
    throw new Error(`${url}: ${result.non2xx} refused, ${result.errors} failed`)
  return result['2xx'] / result.duration
}

export interface Latencies {
  /** Milliseconds. */
  p50: number
  p99: number
  max: number
  /** How many were answered with each status. */
  statuses: Record<string, number>
}

/** Sends so many requests per second, whatever becomes of them, from a process of its own. */
export async function openLoop(load: OpenLoad): Promise<Latencies> {
  const child = fork(join(import.meta.dirname, 'open-loop.ts'), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  child.send(load)
  const ended = once(child, 'exit').then(() => Promise.reject(new Error('the load ended without a result')))
  const [result] = (await Promise.race([once(child, 'message'), ended])) as [Latencies]
  ended.catch(() => {})
  return result
}

export interface OpenLoad {
  urls: string[]
  secret: string
  perSecond: number
  seconds: number
}
