import { lchown, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DemoClient } from '../../src/bin/demo/client.ts'
import { startTemporaryUndrop } from '../../src/bin/demo/temporary-undrop.ts'
import { type Host, openHost } from '../../src/bin/host.ts'
import { loadConfig } from '../../src/config/config.ts'
import { endStrayProcesses } from '../../src/drivers/local/stray-processes.ts'
import { findOsUser, type OsUser } from '../../src/lib/os-user.ts'
import { waitUntil } from '../../src/lib/wait-until.ts'

/** How often either side asks whether it is done. */
const POLL_MILLISECONDS = 20
/** Where what has ended says when: questions cost the processor's time, which the other side does not spend. */
export const SELDOM_MILLISECONDS = 500
const PATIENCE_SECONDS = 900

export interface Bench {
  api: DemoClient
  url: string
  /** Where Undrop keeps everything. */
  directory: string
  host: Host
  osUser: OsUser
  /** `process-max` of both sides. */
  backupProcesses: number
  /** For what is measured beside Undrop; the OS user's. */
  bareDirectory: string
  tenantId: string
}

export interface Addon {
  id: string
  status: string
  protection: string
}

/**
 * Runs a benchmark beside the embedded default in a temporary directory. Everything is removed at the end, also after a
 * failure, SIGINT or SIGTERM.
 * @param measure false when limits are missed, which makes the exit status 1
 */
export async function runBench(
  measure: (bench: Bench) => Promise<boolean>,
  variables: NodeJS.ProcessEnv = {},
): Promise<void> {
  const interrupted = new Promise<never>((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => reject(new Error(signal)))
  })
  // A signal that comes while Undrop starts is answered once it has started.
  interrupted.catch(() => {})
  const undrop = await startTemporaryUndrop({ LOG_LEVEL: 'warn', ...variables })
  const bareDirectory = await mkdtemp(join(tmpdir(), 'undrop-bare-'))
  const config = loadConfig(undrop.env)
  const osUser = await findOsUser(config.UNDROP_OS_USER)
  let passed = false
  try {
    await lchown(bareDirectory, osUser.uid, osUser.gid)
    const host = await openHost(config)
    const api = new DemoClient(undrop)
    const { id: tenantId } = await api.call<{ id: string }>('POST', '/v1/tenants', { name: 'bench' })
    const backupProcesses = config.UNDROP_BACKUP_PROCESSES
    const bench = {
      api,
      url: undrop.url,
      directory: undrop.directory,
      host,
      osUser,
      backupProcesses,
      bareDirectory,
      tenantId,
    }
    passed = await Promise.race([measure(bench), interrupted])
  } catch (error) {
    console.error(error, undrop.log())
  } finally {
    await endStrayProcesses(osUser.uid, [bareDirectory])
    await undrop.remove()
    await rm(bareDirectory, { recursive: true, force: true })
  }
  process.exit(passed ? 0 : 1)
}

/** Asks until the answer has the wanted status. @throws when it has failed instead */
export async function untilStatus<Answer extends { status: string }>(
  { api }: Bench,
  path: string,
  wanted: string,
  everyMilliseconds?: number,
): Promise<Answer> {
  const ask = async () => {
    const answer = await api.call<Answer>('GET', path)
    if (answer.status === 'failed') throw new Error(`${path} failed: ${JSON.stringify(answer)}`)
    return answer.status === wanted && answer
  }
  return until(path, ask, everyMilliseconds)
}

/** Waits for what a new add-on does by itself, so that it does not run beside the next measurement. */
export async function untilProtected({ api }: Bench, addonId: string): Promise<void> {
  const path = `/v1/addons/${addonId}`
  await until(path, async () => (await api.call<Addon>('GET', path)).protection === 'protected')
}

export async function deleteAddon({ api }: Bench, addonId: string): Promise<void> {
  await api.call('DELETE', `/v1/addons/${addonId}`)
  await until(`${addonId} to be gone`, async () => {
    const { data } = await api.call<{ data: Addon[] }>('GET', '/v1/addons')
    return data.every(({ id, status }) => id !== addonId || status === 'deleted')
  })
}

/** Asks until the answer is not false, and returns it. */
export async function until<Answer>(
  what: string,
  ask: () => Promise<Answer | false>,
  everyMilliseconds: number = POLL_MILLISECONDS,
): Promise<Answer> {
  let answer: Answer | false = false
  const condition = async () => {
    answer = await ask()
    return answer !== false
  }
  const limits = { timeoutSeconds: PATIENCE_SECONDS, everyMilliseconds }
  if (!(await waitUntil(condition, limits))) throw new Error(`waited in vain: ${what}`)
  // The condition has held.
  return answer as Answer
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const [low = 0, high = 0] = [sorted[sorted.length % 2 === 1 ? middle : middle - 1], sorted[middle]]
  return (low + high) / 2
}

/** Prints the medians of both sides, part by part and in total, in seconds. */
export function printTable(
  title: string,
  undrop: readonly Record<string, number>[],
  bare: readonly Record<string, number>[],
): void {
  console.log(`\n${title}\n${line('seconds, medians', 'undrop', 'bare')}`)
  for (const part of Object.keys(undrop[0] ?? {})) {
    const of = (runs: readonly Record<string, number>[]) => median(runs.map((run) => run[part] ?? 0))
    console.log(line(part, of(undrop).toFixed(3), of(bare).toFixed(3)))
  }
}

/** The median of Undrop's total to the bare one, round by round: whatever else the machine does changes more slowly. */
export function ratioOf(undrop: readonly { total: number }[], bare: readonly { total: number }[]): number {
  return median(undrop.map(({ total }, round) => total / (bare[round]?.total ?? Number.NaN)))
}

/** Prints a figure, and the limit that it is to keep if there is one; true when it does. */
export function printFigure(what: string, value: number, limit?: number): boolean {
  console.log(line(what, value.toFixed(3), limit === undefined ? '' : `≤ ${limit}`))
  return limit === undefined || value <= limit
}

const line = (what: string, ...columns: string[]) =>
  [what.padEnd(32), ...columns.map((text) => text.padStart(9))].join(' ').trimEnd()
