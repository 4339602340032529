import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { openHost } from '../../../src/bin/host.ts'
import { loadConfig } from '../../../src/config/config.ts'
import { asAdmin, serverIdOf } from './admin.ts'
import { postmasterOf, processesOf } from './inventory.ts'
import { until } from './stories.ts'
import type { Undrop } from './undrop.ts'

/** What the operator of the machine sees of one add-on's server. */
export interface ServerFiles {
  undrop: Undrop
  tenantId: string
  serverId: string
  port: number
  /** Everything of the server but its archive and its socket. */
  directory: string
  /** Of pgBackRest, for the server's own archive. */
  configFile: string
  /** Directory of the programs of PostgreSQL. */
  binDirectory: string
}

/** The server behind a connection URL. */
export async function serverBehind(undrop: Undrop, tenantId: string, url: string): Promise<ServerFiles> {
  const { driver } = await openHost(loadConfig(undrop.env))
  const port = Number(new URL(url).port)
  const serverId = await serverIdOf(undrop, { port })
  const [version = 0] = driver.postgresVersions()
  return {
    undrop,
    tenantId,
    serverId,
    port,
    directory: join(undrop.directory, 'servers', serverId),
    configFile: join(driver.paths(serverId).configDirectory, 'pgbackrest.conf'),
    binDirectory: join(driver.program(version, 'postgres'), '..'),
  }
}

/** Ends the present WAL segment and waits until it has been archived; returns its name. */
export async function archiveSegment(server: ServerFiles): Promise<string> {
  const sql = <Row extends object>(text: string) => asAdmin<Row>(server.undrop, server, text)
  // At the very beginning of a segment there would be nothing to end.
  await sql(`select pg_logical_emit_message(false, 'test', 'something')`)
  const [row] = await sql<{ segment: string }>('select pg_walfile_name(pg_switch_wal() - 1) as segment')
  if (row === undefined) throw new Error('no segment')
  const { segment } = row
  await until(async () => {
    const rows = await sql(`select from pg_stat_archiver where last_archived_wal >= '${segment}'`)
    return rows.length > 0
  }, `segment ${segment} to be archived`)
  return segment
}

/** Kills the server as a machine without power would. */
export async function crash({ undrop, serverId }: ServerFiles): Promise<void> {
  process.kill(await postmasterOf(undrop, serverId), 'SIGKILL')
  const isOfServer = ({ text }: { text: string }) => text.includes(`servers/${serverId}`)
  await until(
    async () => !(await processesOf(undrop)).some(isOfServer),
    'the server and its sessions to be gone',
  )
}

/** Kills the server and takes away everything but its archive. */
export async function lose(server: ServerFiles): Promise<void> {
  // Nobody starts a server that has no data.
  await rm(join(server.directory, 'var/data/PG_VERSION'))
  await crash(server)
  await rm(server.directory, { recursive: true })
}
