import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { parseInfo } from '../../src/backup/pgbackrest/info.ts'
import { clockOf, query } from '../../src/bin/demo/client.ts'
import type { Moment } from '../../src/domain/moment.ts'
import { runAs } from '../../src/lib/os-user.ts'
import { archiverState, commitMarkerAfter, isArchived } from '../../src/postgres/anchor.ts'
import { withAdmin } from '../../src/postgres/connect.ts'
import { type Addon, type Bench, until, untilProtected, untilStatus } from './bench.ts'

export type Size = 'small' | 'large'

export interface Login {
  url: string
  host: string
  port: number
  database: string
  username: string
  password: string
}

/** An add-on with a table that has been dropped, and everything archived that it takes to bring it back. */
export interface Source {
  addonId: string
  serverId: string
  username: string
  database: string
  /** A moment just before the table was dropped. */
  target: Moment
  /** pgBackRest's name of the last base backup before it. */
  label: string
  /** Counts what must be there again. */
  check: { statement: string; count: string }
}

interface Backup {
  id: string
  status: string
  stoppedAt: string
}

const SMALL_ROWS = 100_000
const LARGE = { scale: 60, rows: 6_000_000, clients: 4, segments: 100 }
const SEGMENT_BYTES = 16 * 1024 * 1024

/** small: 100,000 rows. large: about 0.9 GB, and a load of 100 WAL segments after the base backup. */
export async function makeSource(bench: Bench, size: Size): Promise<Source> {
  const { api, tenantId } = bench
  const { id: addonId } = await api.call<Addon>('POST', '/v1/addons', { tenantId, name: 'source' })
  await untilStatus(bench, `/v1/addons/${addonId}`, 'available')
  await untilProtected(bench, addonId)
  const [serverId = ''] = await bench.host.driver.listInstances()
  const login = await api.reveal(addonId)

  const [table, rows] = size === 'small' ? ['item', SMALL_ROWS] : ['pgbench_accounts', LARGE.rows]
  if (size === 'small') await query(login.url, smallTable(table))
  else await pgbench(bench, login, ['-i', '-q', '-s', String(LARGE.scale)])
  await backUp(bench, addonId, login)
  if (size === 'small') await query(login.url, `update ${table} set body = body where id % 100 = 0`)
  else await writeSegments(bench, login, LARGE.segments)

  const target = (await clockOf(login.url)) as Moment
  await query(login.url, `drop table ${table}`)
  await archiveACommitAfter(bench, serverId, login.port, target)
  const label = await lastLabel(bench, serverId)
  const { username, database } = login
  return {
    addonId,
    serverId,
    username,
    database,
    target,
    label,
    check: { statement: `select count(*)::text from public.${table}`, count: String(rows) },
  }
}

const smallTable = (table: string) =>
  `create table ${table} as
   select id, 'item ' || id as name, repeat(md5(id::text), 2) as body from generate_series(1, ${SMALL_ROWS}) as id`

export async function writeSegments(bench: Bench, login: Login, segments: number): Promise<void> {
  const written = async () => {
    const [row] = await query<{ bytes: string }>(login.url, `select pg_current_wal_lsn() - '0/0' as bytes`)
    return Number(row?.bytes)
  }
  const end = (await written()) + segments * SEGMENT_BYTES
  while ((await written()) < end) await pgbench(bench, login, ['-n', '-c', String(LARGE.clients), '-T', '1'])
}

/** The password travels in the environment. */
export async function pgbench({ host }: Bench, login: Login, options: readonly string[]): Promise<void> {
  const [version = 0] = host.driver.postgresVersions()
  const program = join(dirname(host.driver.program(version, 'postgres')), 'pgbench')
  const env = {
    PGHOST: login.host,
    PGPORT: String(login.port),
    PGUSER: login.username,
    PGPASSWORD: login.password,
    PGDATABASE: login.database,
    PGSSLMODE: 'verify-full',
    PGSSLROOTCERT: new URL(login.url).searchParams.get('sslrootcert') ?? '',
  }
  const child = spawn(program, options, { env, stdio: 'ignore' })
  const [exitCode] = (await once(child, 'exit')) as [number | null]
  if (exitCode !== 0) throw new Error(`pgbench ${options.join(' ')} ended with ${exitCode}`)
}

/** Takes a base backup and waits until the clock is past it: its end is known to the second. */
export async function backUp(bench: Bench, addonId: string, login: Login): Promise<void> {
  const { id } = await bench.api.call<Backup>('POST', `/v1/addons/${addonId}/backups`, { type: 'full' })
  const { stoppedAt } = await untilStatus<Backup>(bench, `/v1/backups/${id}`, 'succeeded')
  await until('the second after the backup', async () => {
    return Date.parse(await clockOf(login.url)) > Date.parse(stoppedAt) + 1000
  })
}

/** Both sides need a commit later than the target in the archive. */
async function archiveACommitAfter({ host }: Bench, serverId: string, port: number, target: Moment) {
  const { socketDirectory } = host.driver.paths(serverId)
  await withAdmin({ socketDirectory, port }, async (client) => {
    const { segment } = await commitMarkerAfter(client, target)
    await until(`${segment} is archived`, async () => isArchived(await archiverState(client), segment))
  })
}

export async function lastLabel({ host, osUser }: Bench, serverId: string): Promise<string> {
  const config = `--config=${ownConfigFile(host, serverId)}`
  const info = await runAs(osUser, ['pgbackrest', config, `--stanza=${serverId}`, '--output=json', 'info'])
  const label = parseInfo(info.stdout).at(-1)?.label
  if (label === undefined) throw new Error(`no backup of ${serverId}: ${info.stdout}${info.stderr}`)
  return label
}

/** The lines of the source's own pgBackRest configuration that say where its archive is and how to open it. */
export async function archiveOptions({ host }: Bench, serverId: string): Promise<string> {
  const text = await readFile(ownConfigFile(host, serverId), 'utf8')
  return text
    .split('\n')
    .filter((line) => /^repo1-(?!bundle|retention)/.test(line))
    .join('\n')
}

export const ownConfigFile = (host: Bench['host'], serverId: string) =>
  join(host.driver.paths(serverId).configDirectory, 'pgbackrest.conf')
