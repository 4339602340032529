import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import pg from 'pg'
import { expect, onTestFinished } from 'vitest'
import { caCertificates } from '../../../src/db/certificate-authorities.ts'
import type { ServerRecord } from '../../../src/db/servers.ts'
import { localDriver } from '../../../src/drivers/local/local-driver.ts'
import { findPostgresBinaries } from '../../../src/drivers/local/postgres-binaries.ts'
import { findOsUser } from '../../../src/lib/os-user.ts'
import { refreshServer } from '../../../src/operations/refresh-server.ts'
import {
  adminConnection,
  startServer,
  type WorkDeps,
  writeServerConfig,
} from '../../../src/operations/server-work.ts'
import { untilAdmitted } from '../../../src/postgres/admission.ts'
import { withAdmin } from '../../../src/postgres/connect.ts'
import { keyRing } from '../../../src/secrets/key-ring.ts'
import { newLife } from '../../support/fake/life.ts'
import { emptyWorld } from '../../support/fake/world.ts'
import { freshMetadata } from '../../support/metadata-database.ts'
import { freePort } from '../../support/ports.ts'
import { until } from '../../support/until.ts'
import { anAddon, aTenant } from './rows.ts'
import { fakeWorkDeps } from './stage.ts'

const PASSWORD = 'secret-of-the-owner'
const SERVING = { access: 'serving', archiving: false, recovery: '' } as const
const HALF_A_YEAR = 190 * 24 * 3600 * 1000

export interface Ground {
  deps: WorkDeps
  server: ServerRecord
  /** A file with what `certificate` holds, or with what the server's clients are to trust. */
  caFile(certificate?: string): Promise<string>
  url(options: Record<string, string>, host?: string): string
  postmaster(): Promise<string>
}

/** A real server of the local driver that nobody has started, with a role of a client's. */
export async function aServer(): Promise<Ground> {
  const { db } = await freshMetadata()
  const directory = await mkdtemp('/tmp/ut-')
  await chmod(directory, 0o711)
  const [osUser, binDirectories, port] = [
    await findOsUser('postgres'),
    await findPostgresBinaries(),
    await freePort(),
  ]
  const driver = localDriver({ dataDirectory: directory, runDirectory: directory, osUser, binDirectories })
  const [postgresVersion = 0] = driver.postgresVersions()
  const base = { db, keyRing: keyRing([Buffer.alloc(32, 1)]), world: emptyWorld() }
  const deps: WorkDeps = {
    ...fakeWorkDeps(base, newLife()),
    driver,
    endpointHost: '127.0.0.1',
    adminOsUsers: ['root', osUser.name],
  }
  const server = {
    serverId: (await anAddon(db, await aTenant(db))).serverId,
    port,
    postgresVersion,
    settings: {},
    hasArchived: false,
  } as ServerRecord
  onTestFinished(async () => {
    await driver.destroyInstance(server.serverId)
    await rm(directory, { recursive: true })
  })
  await driver.ensureInstance(server.serverId)
  const { dataDirectory } = driver.paths(server.serverId)
  const options = ['-D', dataDirectory, '--username=undrop_admin', '--locale=C.UTF-8', '--no-sync'] as const
  await driver.run(server.serverId, { argv: [driver.program(postgresVersion, 'initdb'), ...options] })
  let files = 0
  return {
    deps,
    server,
    async caFile(certificate) {
      const file = join(directory, `ca-${files++}.pem`)
      await writeFile(file, certificate ?? (await caCertificates(db)))
      return file
    },
    url: (options, host = '127.0.0.1') =>
      `postgresql://owner:${PASSWORD}@${host}:${port}/postgres?${new URLSearchParams(options).toString()}`,
    postmaster: async () =>
      (await readFile(join(dataDirectory, 'postmaster.pid'), 'utf8')).split('\n')[0] ?? '',
  }
}

export async function start({ deps, server }: Ground): Promise<void> {
  await startServer(deps, server)
  const connection = adminConnection(deps, server)
  expect(await untilAdmitted(connection, 30)).toBe(true)
  await withAdmin(connection, (client) => client.query(`create role owner login password '${PASSWORD}'`))
}

export async function aServingServer(): Promise<Ground> {
  const ground = await aServer()
  await writeServerConfig(ground.deps, ground.server, SERVING)
  await start(ground)
  return ground
}

const TLS_ROW = `select version from pg_stat_ssl where pid = pg_backend_pid()`

export async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  return client
}

/** By `pg`: the version of TLS, null without. */
export async function byPg(url: string): Promise<string | null> {
  const client = await connected(url)
  try {
    return (await client.query<{ version: string | null }>(TLS_ROW)).rows[0]?.version ?? null
  } finally {
    await client.end()
  }
}

/** By libpq, in the same way. */
export async function byPsql(
  { deps, server }: Ground,
  url: string,
  env: NodeJS.ProcessEnv = {},
): Promise<string> {
  const psql = deps.driver.program(server.postgresVersion, 'psql')
  const { stdout } = await promisify(execFile)(psql, ['-XAtc', TLS_ROW, url], {
    env: { LC_ALL: 'C', ...env },
  })
  return stdout.trim()
}

/** Serial number of what the server shows. */
export async function serialOf(url: string): Promise<string> {
  const client = await connected(url)
  const { stream } = (client as unknown as { connection: { stream: TLSSocket } }).connection
  const { serialNumber } = stream.getPeerCertificate()
  const ended = once(stream, 'close')
  await client.end()
  await ended
  return serialNumber
}

/** Has the server show a certificate that was made more than half of its time ago; its serial number. */
export async function serialOfAged({ deps, server }: Ground, url: string): Promise<string> {
  const fresh = await serialOf(url)
  await refreshServer(deps, server, new Date(Date.now() - HALF_A_YEAR))
  let serial = fresh
  await until(async () => {
    serial = await serialOf(url)
    return serial !== fresh
  })
  return serial
}
