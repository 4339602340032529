import { parseArgs } from 'node:util'
import { s3Variables, startS3Server } from '../src/bin/demo/s3-server.ts'
import { runAs } from '../src/lib/os-user.ts'
import { archiveSeconds, bareArchiveSeconds } from './support/archiving.ts'
import { bareServer } from './support/bare-server.ts'
import {
  type Bench,
  deleteAddon,
  median,
  runBench,
  SELDOM_MILLISECONDS,
  untilProtected,
  untilStatus,
} from './support/bench.ts'
import { type LoadedAddon, loadedAddon } from './support/loaded-addon.ts'
import { archiveOptions, lastLabel, ownConfigFile } from './support/source.ts'
import { watchFetch } from './support/watch-fetch.ts'

// MB/s of base backups, of archiving, and of fetching a base backup, beside pgBackRest alone: the same server, archive
// and settings, from a shell. The two sides take turns.

const SHARE_MIN = 0.95
const RUN_SECONDS_MAX = 900
const SEGMENT_MEGABYTES = 16.777216

interface Backup {
  id: string
  status: string
  sizeBytes: number
  finishedAt: string
}

interface Restore {
  id: string
  status: string
  childAddonId: string
}

const { store, rounds, scale, segments, check } = readArguments()
const s3 = store === 's3' ? await startS3Server() : null
const variables = s3 === null ? {} : await s3Variables(s3, 'bench')
await runBench(async (bench) => {
  const addon = await loadedAddon(bench, scale)
  let megabytes = 0
  const backups = await turns(
    async () => {
      const taken = await takeBackup(bench, addon)
      megabytes = taken.megabytes
      return taken.seconds
    },
    () => takeBareBackup(bench, addon),
  )
  const archiving = await turns(
    () => archiveSeconds(bench, addon, segments),
    () => bareArchiveSeconds(bench, addon, segments),
  )
  // What a bare backup left is unknown to Undrop: both sides fetch the one that is taken now.
  await takeBackup(bench, addon)
  const label = await lastLabel(bench, addon.serverId)
  const fetches = await turns(
    () => fetchBackup(bench, addon, label),
    () => fetchBare(bench, addon, label),
  )
  console.log(`\n${store}: ${megabytes.toFixed(0)} MB, ${segments} WAL segments, ${rounds} rounds, medians`)
  console.log(line('MB/s', 'undrop', 'bare', 'share'))
  const good = [
    report('base backup', megabytes, backups),
    report('archiving', segments * SEGMENT_MEGABYTES, archiving),
    report('restore (base backup)', megabytes, fetches),
  ]
  return good.every(Boolean) || !check
}, variables)

function readArguments() {
  const { values } = parseArgs({
    options: {
      store: { type: 'string', default: 'local' },
      rounds: { type: 'string', default: '3' },
      scale: { type: 'string', default: '150' },
      segments: { type: 'string', default: '60' },
      check: { type: 'boolean', default: false },
    },
  })
  const { store, check } = values
  if (store !== 'local' && store !== 's3') throw new Error('--store is local or s3')
  const [rounds, scale, segments] = (['rounds', 'scale', 'segments'] as const).map((name) => {
    const value = Number(values[name])
    if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} is a positive whole number`)
    return value
  }) as [number, number, number]
  return { store, rounds, scale, segments, check }
}

interface Sides {
  undrop: number[]
  bare: number[]
}

async function turns(undrop: () => Promise<number>, bare: () => Promise<number>): Promise<Sides> {
  const sides: Sides = { undrop: [], bare: [] }
  for (let round = 0; round < rounds; round++) {
    sides.undrop.push(await undrop())
    sides.bare.push(await bare())
    const [ours, theirs] = [sides.undrop, sides.bare].map((seconds) => seconds.at(-1)?.toFixed(2))
    console.log(`  undrop ${ours} s, bare ${theirs} s`)
  }
  return sides
}

/** Prints MB/s of both; true when Undrop's is at least that share of the bare one's, round by round. */
function report(what: string, megabytes: number, { undrop, bare }: Sides): boolean {
  const share = median(undrop.map((seconds, round) => (bare[round] ?? Number.NaN) / seconds))
  const rate = (seconds: readonly number[]) => (megabytes / median(seconds)).toFixed(1)
  console.log(line(what, rate(undrop), rate(bare), share.toFixed(3), `≥ ${SHARE_MIN}`))
  return share >= SHARE_MIN
}

function line(what: string, ...columns: string[]): string {
  return [what.padEnd(24), ...columns.map((text) => text.padStart(9))].join(' ')
}

/** From the request until the backup is recorded. */
async function takeBackup(bench: Bench, { id: addonId }: LoadedAddon) {
  const requestedAt = Date.now()
  const { id } = await bench.api.call<Backup>('POST', `/v1/addons/${addonId}/backups`, { type: 'full' })
  const path = `/v1/backups/${id}`
  const backup = await untilStatus<Backup>(bench, path, 'succeeded', SELDOM_MILLISECONDS)
  const seconds = (Date.parse(backup.finishedAt) - requestedAt) / 1000
  return { seconds, megabytes: backup.sizeBytes / 1e6 }
}

/** The same command in the same archive, which then holds a backup that Undrop knows nothing of. */
async function takeBareBackup(bench: Bench, { serverId }: LoadedAddon): Promise<number> {
  const config = `--config=${ownConfigFile(bench.host, serverId)}`
  const argv = ['pgbackrest', config, `--stanza=${serverId}`, '--type=full', 'backup'] as const
  const startedAt = performance.now()
  const { exitCode, stdout, stderr } = await runAs(bench.osUser, argv, { timeoutSeconds: RUN_SECONDS_MAX })
  if (exitCode !== 0) throw new Error(`backup: ${stdout}${stderr}`)
  return (performance.now() - startedAt) / 1000
}

/** From the request until the base backup is fetched; the rest of the restore follows. */
async function fetchBackup(bench: Bench, { id, serverId }: LoadedAddon, label: string): Promise<number> {
  const requestedAt = Date.now()
  const { api } = bench
  const target = { latest: true }
  const restore = await api.call<Restore>('POST', `/v1/addons/${id}/restores`, { target })
  const path = `/v1/restores/${restore.id}`
  const succeeded = untilStatus<Restore>(bench, path, 'succeeded', SELDOM_MILLISECONDS)
  const watched = watchFetch(bench, { serverId, label }, succeeded)
  const [fetch] = await Promise.all([watched, succeeded])
  await untilProtected(bench, restore.childAddonId)
  await deleteAddon(bench, restore.childAddonId)
  return (fetch.endedAt - requestedAt) / 1000
}

async function fetchBare(bench: Bench, { serverId }: LoadedAddon, label: string): Promise<number> {
  const server = await bareServer(bench)
  const { directory } = server
  await server.write(
    'pgbackrest.conf',
    `[global]
${await archiveOptions(bench, serverId)}
lock-path=${directory}/lock
spool-path=${directory}/spool
log-path=${directory}
log-level-file=off
process-max=${bench.backupProcesses}

[${serverId}]
pg1-path=${directory}/data
`,
  )
  const startedAt = performance.now()
  const config = `--config=${directory}/pgbackrest.conf`
  await server.run(['pgbackrest', config, `--stanza=${serverId}`, `--set=${label}`, '--type=none', 'restore'])
  const seconds = (performance.now() - startedAt) / 1000
  await server.remove()
  return seconds
}
