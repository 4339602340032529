import { readdir, readFile, readlink, rm, stat } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import pg from 'pg'
import { openHost } from '../../../src/bin/host.ts'
import { loadConfig } from '../../../src/config/config.ts'
import { until } from './stories.ts'
import type { Undrop } from './undrop.ts'

/** What the operator of the machine sees of one add-on's server. */
export interface ServerFiles {
  serverId: string
  postmasterPid: number
  /** Everything of the server but its archive. */
  directory: string
  configFile: string
  /** The pgBackRest repository of this server alone. */
  archiveDirectory: string
  /** Directory of the programs of PostgreSQL. */
  binDirectory: string
  /** Runs one statement as Undrop's own superuser, over the private socket. */
  asAdmin<Row extends object>(text: string): Promise<Row[]>
}

/** The server behind a connection URL: the one whose lock file names the port (PostgreSQL manual, 73.1). */
export async function serverBehind(undrop: Undrop, tenantId: string, url: string): Promise<ServerFiles> {
  const { driver, archives } = await openHost(loadConfig(undrop.env))
  const port = Number(new URL(url).port)
  for (const serverId of await driver.listInstances()) {
    const paths = driver.paths(serverId)
    const lockFile = await readFile(join(paths.dataDirectory, 'postmaster.pid'), 'utf8').catch(() => '')
    const [pid, , , itsPort] = lockFile.split('\n').map(Number)
    if (pid === undefined || itsPort !== port) continue
    return {
      serverId,
      postmasterPid: pid,
      directory: join(paths.configDirectory, '..'),
      configFile: join(paths.configDirectory, 'pgbackrest.conf'),
      archiveDirectory: archives.pathOf(tenantId, serverId),
      binDirectory: join(driver.program(15, 'postgres'), '..'),
      asAdmin: (text) => adminQuery(paths.socketDirectory, port, text),
    }
  }
  throw new Error(`no server has port ${port}`)
}

async function adminQuery<Row extends object>(host: string, port: number, text: string): Promise<Row[]> {
  const client = new pg.Client({ host, port, user: 'undrop_admin', database: 'postgres' })
  try {
    await client.connect()
    return (await client.query<Row>(text)).rows
  } finally {
    await client.end()
  }
}

/** Ends the present WAL segment and waits until it has been archived; returns its name. */
export async function archiveSegment({ asAdmin }: ServerFiles): Promise<string> {
  // At the very beginning of a segment there would be nothing to end.
  await asAdmin(`select pg_logical_emit_message(false, 'test', 'something')`)
  const [row] = await asAdmin<{ segment: string }>('select pg_walfile_name(pg_switch_wal() - 1) as segment')
  if (row === undefined) throw new Error('no segment')
  const { segment } = row
  await until(async () => {
    const rows = await asAdmin(`select from pg_stat_archiver where last_archived_wal >= '${segment}'`)
    return rows.length > 0
  }, `segment ${segment} to be archived`)
  return segment
}

/** Kills the server as a machine without power would. */
export async function crash({ postmasterPid }: ServerFiles): Promise<void> {
  process.kill(postmasterPid, 'SIGKILL')
  await until(async () => !(await exists(`/proc/${postmasterPid}`)), 'the postmaster to be gone')
}

/** Kills the server and takes away everything but its archive. */
export async function lose(server: ServerFiles): Promise<void> {
  await rm(join(server.directory, 'var/data/PG_VERSION'))
  await crash(server)
  await rm(server.directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 })
}

/** Every file of archived WAL, as paths. */
export async function archivedFiles({ archiveDirectory, serverId }: ServerFiles): Promise<string[]> {
  const directory = join(archiveDirectory, 'archive', serverId)
  const found = await readdir(directory, { recursive: true, withFileTypes: true })
  return found.flatMap((file) => (file.isFile() ? [join(file.parentPath, file.name)] : [])).sort()
}

/** Every complete segment in the archive, sorted. */
export async function archivedSegments(server: ServerFiles): Promise<string[]> {
  const names = (await archivedFiles(server)).map((path) => basename(path))
  return names.flatMap((name) => /^([0-9A-F]{24})-/.exec(name)?.[1] ?? [])
}

export async function segmentFile(server: ServerFiles, segment: string): Promise<string> {
  const file = (await archivedFiles(server)).find((path) => basename(path).startsWith(`${segment}-`))
  if (file === undefined) throw new Error(`segment ${segment} is not archived`)
  return file
}

/** Names of all there is on the machine for servers: their directories, sockets, archives and processes. */
export async function everythingOfServers({ directory }: Undrop, tenantId: string): Promise<string[]> {
  const places = ['servers', 'run', join('archives', tenantId)]
  const found = await Promise.all(
    places.map(async (place) => (await readdir(join(directory, place))).map((name) => join(place, name))),
  )
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const workingIn = await Promise.all(pids.map((pid) => readlink(`/proc/${pid}/cwd`).catch(() => '')))
  const processes = workingIn.flatMap((path) => {
    const [serverId] = relative(join(directory, 'servers'), path).split('/')
    return serverId?.startsWith('srv_') ? [join('processes', serverId)] : []
  })
  return [...found.flat(), ...new Set(processes)].sort()
}

const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  )
