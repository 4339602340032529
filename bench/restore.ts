import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { query } from '../src/bin/demo/client.ts'
import { toRecoveryTargetTime } from '../src/domain/moment.ts'
import { withAdmin } from '../src/postgres/connect.ts'
import { scramVerifier } from '../src/postgres/scram.ts'
import { bareServer, recoveryTimes } from './support/bare-server.ts'
import {
  type Bench,
  deleteAddon,
  median,
  printFigure,
  printTable,
  ratioOf,
  runBench,
  untilProtected,
  untilStatus,
} from './support/bench.ts'
import { archiveOptions, makeSource, type Size, type Source } from './support/source.ts'
import { watchFetch } from './support/watch-fetch.ts'

/** When a restore came how far: milliseconds since the epoch. */
interface Course {
  requestedAt: number
  fetchStartedAt: number
  fetchEndedAt: number
  serverStartedAt: number
  serverReadyAt: number
  doneAt: number
}

interface Restore {
  id: string
  status: string
  childAddonId: string
  progress: { walTotal: number | null }
}

const ROUNDS: Record<Size, number> = { small: 7, large: 3 }
const RATIO_MAX: Record<Size, number> = { small: 1.25, large: 1 }
const OVERHEAD_SECONDS_MAX = 0.3

const { size, rounds, check } = readArguments()
await runBench(async (bench) => {
  const source = await makeSource(bench, size)
  const undrop: Seconds[] = []
  const bare: Seconds[] = []
  let segments: number | null = null
  for (let round = 0; round < rounds; round++) {
    const ours = await restoreWithUndrop(bench, source)
    const theirs = secondsOf(await restoreBare(bench, source))
    segments = ours.segments
    undrop.push(ours.seconds)
    bare.push(theirs)
    console.log(`round ${round + 1}: undrop ${ours.seconds.total} s, bare ${theirs.total} s`)
  }
  const title = `restore, ${size}: ${source.check.count} rows, ${segments} WAL segments, ${rounds} rounds`
  return report(title, undrop, bare) || !check
})

function readArguments(): { size: Size; rounds: number; check: boolean } {
  const { values } = parseArgs({
    options: {
      size: { type: 'string', default: 'small' },
      rounds: { type: 'string' },
      check: { type: 'boolean', default: false },
    },
  })
  const { size } = values
  if (size !== 'small' && size !== 'large') throw new Error('--size is small or large')
  const rounds = Number(values.rounds ?? ROUNDS[size])
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds is a positive whole number')
  return { size, rounds, check: values.check }
}

/** Through the API; when its fetch and its recovery ran is read from what they leave in the child's directory. */
async function restoreWithUndrop(bench: Bench, source: Source) {
  const { api, host } = bench
  const requestedAt = Date.now()
  const asked = await api.call<Restore>('POST', `/v1/addons/${source.addonId}/restores`, {
    target: { time: source.target },
  })
  const succeeded = untilStatus<Restore>(bench, `/v1/restores/${asked.id}`, 'succeeded').then((restore) => ({
    restore,
    doneAt: Date.now(),
  }))
  const [{ restore, doneAt }, fetch] = await Promise.all([succeeded, watchFetch(bench, source, succeeded)])

  const login = await api.reveal(restore.childAddonId)
  const [counted] = await query<{ count: string }>(login.url, source.check.statement)
  assertRestored(source, counted?.count)
  const server = await recoveryTimes(host.driver.paths(fetch.serverId).logFile)
  await untilProtected(bench, restore.childAddonId)
  await deleteAddon(bench, restore.childAddonId)
  const seconds = secondsOf({
    requestedAt,
    fetchStartedAt: fetch.startedAt,
    fetchEndedAt: fetch.endedAt,
    serverStartedAt: server.startedAt,
    serverReadyAt: server.readyAt,
    doneAt,
  })
  return { seconds, segments: restore.progress.walTotal }
}

/** The same archive, base backup and target, with the settings that pgBackRest generates. */
async function restoreBare(bench: Bench, source: Source): Promise<Course> {
  const server = await bareServer(bench)
  const { directory, logFile } = server
  const config = join(directory, 'pgbackrest.conf')
  await server.write('pgbackrest.conf', await pgbackrestConf(bench, source, directory))

  const requestedAt = Date.now()
  await server.run([
    'pgbackrest',
    `--config=${config}`,
    `--stanza=${source.serverId}`,
    `--set=${source.label}`,
    '--type=time',
    `--target=${toRecoveryTargetTime(source.target)}`,
    '--target-action=promote',
    '--archive-mode=off',
    'restore',
  ])
  const fetchEndedAt = Date.now()
  await server.start()
  await server.untilAnswers('select pg_is_in_recovery()', false)
  const verifier = scramVerifier('bench')
  await withAdmin(server.admin, async (client) => {
    await client.query(`alter role ${source.username} rename to restored`)
    await client.query(`alter role restored password '${verifier}'`)
  })
  const doneAt = Date.now()

  await withAdmin({ ...server.admin, database: source.database }, async (client) => {
    const { rows } = await client.query<{ count: string }>(source.check.statement)
    assertRestored(source, rows[0]?.count)
  })
  const { startedAt: serverStartedAt, readyAt: serverReadyAt } = await recoveryTimes(logFile)
  await server.remove()
  return { requestedAt, fetchStartedAt: requestedAt, fetchEndedAt, serverStartedAt, serverReadyAt, doneAt }
}

async function pgbackrestConf(bench: Bench, { serverId }: Source, directory: string): Promise<string> {
  return `[global]
${await archiveOptions(bench, serverId)}
lock-path=${directory}/lock
spool-path=${directory}/spool
log-path=${directory}
log-level-file=off
process-max=${bench.backupProcesses}
archive-async=y
archive-get-queue-max=1GiB

[${serverId}]
pg1-path=${directory}/data
`
}

function assertRestored({ check }: Source, count: string | undefined): void {
  if (count !== check.count) throw new Error(`${check.statement}: ${count} instead of ${check.count}`)
}

type Seconds = ReturnType<typeof secondsOf>

function secondsOf(course: Course) {
  const { requestedAt, fetchStartedAt, fetchEndedAt, serverStartedAt, serverReadyAt, doneAt } = course
  return {
    'request → fetch': (fetchStartedAt - requestedAt) / 1000,
    'fetch (pgbackrest restore)': (fetchEndedAt - fetchStartedAt) / 1000,
    'fetch → server': (serverStartedAt - fetchEndedAt) / 1000,
    'recovery (postgres)': (serverReadyAt - serverStartedAt) / 1000,
    'ready → new credentials': (doneAt - serverReadyAt) / 1000,
    'total': (doneAt - requestedAt) / 1000,
  }
}

/**
 * Overhead is all of Undrop's time but that of `pgbackrest restore` and of the server's recovery, less what the bare
 * script needs for its role change.
 */
function report(title: string, undrop: Seconds[], bare: Seconds[]): boolean {
  printTable(title, undrop, bare)
  const overheads = undrop.map((run, round) => {
    const between = run['request → fetch'] + run['fetch → server'] + run['ready → new credentials']
    return between - (bare[round]?.['ready → new credentials'] ?? 0)
  })
  const withinRatio = printFigure('ratio undrop : bare', ratioOf(undrop, bare), RATIO_MAX[size])
  return printFigure('overhead of orchestration', median(overheads), OVERHEAD_SECONDS_MAX) && withinRatio
}
