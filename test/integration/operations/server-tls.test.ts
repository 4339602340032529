import { execFile } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { caCertificates } from '../../../src/db/certificate-authorities.ts'
import type { ServerRecord } from '../../../src/db/servers.ts'
import { newId } from '../../../src/domain/ids.ts'
import { localDriver } from '../../../src/drivers/local/local-driver.ts'
import { findPostgresBinaries } from '../../../src/drivers/local/postgres-binaries.ts'
import { findOsUser } from '../../../src/lib/os-user.ts'
import { refreshServer } from '../../../src/operations/refresh-server.ts'
import {
  introduceAuthority,
  retireAuthorities,
  useNewestAuthority,
} from '../../../src/operations/replace-authority.ts'
import { CERTIFICATE_FILE } from '../../../src/operations/server-certificate.ts'
import {
  adminConnection,
  startServer,
  type WorkDeps,
  writeServerConfig,
} from '../../../src/operations/server-work.ts'
import { untilAdmitted } from '../../../src/postgres/admission.ts'
import { withAdmin } from '../../../src/postgres/connect.ts'
import { makeAuthority } from '../../../src/secrets/certificates.ts'
import { keyRing } from '../../../src/secrets/key-ring.ts'
import { newLife } from '../../support/fake/life.ts'
import { emptyWorld } from '../../support/fake/world.ts'
import { freshMetadata } from '../../support/metadata-database.ts'
import { freePort } from '../../support/ports.ts'
import { until } from '../../support/until.ts'
import { fakeWorkDeps } from './stage.ts'

const PASSWORD = 'secret-of-the-owner'
const SERVING = { access: 'serving', archiving: false, recovery: '' } as const
const HALF_A_YEAR = 190 * 24 * 3600 * 1000

interface Ground {
  deps: WorkDeps
  server: ServerRecord
  /** A file with what `certificate` holds, or with what the server's clients are to trust. */
  caFile(certificate?: string): Promise<string>
  url(options: Record<string, string>, host?: string): string
  postmaster(): Promise<string>
}

/** A real server of the local driver that nobody has started, with a role of a client's. */
async function aServer(): Promise<Ground> {
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
    serverId: newId('server'),
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
      `postgresql://owner:${PASSWORD}@${host}:${port}/postgres?${new URLSearchParams(options)}`,
    postmaster: async () =>
      (await readFile(join(dataDirectory, 'postmaster.pid'), 'utf8')).split('\n')[0] ?? '',
  }
}

async function start({ deps, server }: Ground): Promise<void> {
  await startServer(deps, server)
  const connection = adminConnection(deps, server)
  expect(await untilAdmitted(connection, 30)).toBe(true)
  await withAdmin(connection, (client) => client.query(`create role owner login password '${PASSWORD}'`))
}

async function aServingServer(): Promise<Ground> {
  const ground = await aServer()
  await writeServerConfig(ground.deps, ground.server, SERVING)
  await start(ground)
  return ground
}

const TLS_ROW = `select version from pg_stat_ssl where pid = pg_backend_pid()`

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  return client
}

/** By `pg`: the version of TLS, null without. */
async function byPg(url: string): Promise<string | null> {
  const client = await connected(url)
  try {
    return (await client.query<{ version: string | null }>(TLS_ROW)).rows[0]?.version ?? null
  } finally {
    await client.end()
  }
}

/** By libpq, in the same way. */
async function byPsql({ deps, server }: Ground, url: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
  const psql = deps.driver.program(server.postgresVersion, 'psql')
  const { stdout } = await promisify(execFile)(psql, ['-XAtc', TLS_ROW, url], {
    env: { LC_ALL: 'C', ...env },
  })
  return stdout.trim()
}

/** Serial number of what the server shows. */
async function serialOf(url: string): Promise<string> {
  const client = await connected(url)
  const { stream } = (client as unknown as { connection: { stream: TLSSocket } }).connection
  const { serialNumber } = stream.getPeerCertificate()
  const ended = once(stream, 'close')
  await client.end()
  await ended
  return serialNumber
}

/** Has the server show a certificate that was made more than half of its time ago; its serial number. */
async function serialOfAged({ deps, server }: Ground, url: string): Promise<string> {
  const fresh = await serialOf(url)
  await refreshServer(deps, server, new Date(Date.now() - HALF_A_YEAR))
  let serial = fresh
  await until(async () => {
    serial = await serialOf(url)
    return serial !== fresh
  })
  return serial
}

test('clients that check everything get in, by libpq and by pg', async () => {
  const ground = await aServingServer()
  const sslrootcert = await ground.caFile()
  const url = ground.url({ sslmode: 'verify-full' })
  expect(await byPsql(ground, url, { PGSSLROOTCERT: sslrootcert })).toBe('TLSv1.3')
  expect(await byPg(ground.url({ sslmode: 'verify-full', sslrootcert }))).toBe('TLSv1.3')
  // A certificate store that has never heard of it.
  await expect(byPg(url)).rejects.toThrow(/self-signed certificate|unable to verify/)
})

test('a client that trusts another authority, or means another host, does not get in', async () => {
  const ground = await aServingServer()
  const stranger = await ground.caFile((await makeAuthority(new Date())).certificate)
  const wrong = ground.url({ sslmode: 'verify-full', sslrootcert: stranger })
  await expect(byPsql(ground, wrong)).rejects.toThrow('certificate verify failed')
  await expect(byPg(wrong)).rejects.toThrow(/self-signed certificate|unable to verify|signature failure/)

  const elsewhere = ground.url({ sslmode: 'verify-full', sslrootcert: await ground.caFile() }, 'localhost')
  await expect(byPsql(ground, elsewhere)).rejects.toThrow('does not match host name "localhost"')
  await expect(byPg(elsewhere)).rejects.toThrow("does not match certificate's altnames")
})

test('plain text and old TLS are refused over the network, in words of PostgreSQL', async () => {
  const ground = await aServingServer()
  const refusal =
    'no pg_hba.conf entry for host "127.0.0.1", user "owner", database "postgres", no encryption'
  await expect(byPsql(ground, ground.url({ sslmode: 'disable' }))).rejects.toThrow(refusal)
  await expect(byPg(ground.url({ sslmode: 'disable' }))).rejects.toThrow(refusal)
  const old = ground.url({
    sslmode: 'require',
    ssl_max_protocol_version: 'TLSv1.1',
    ssl_min_protocol_version: 'TLSv1',
  })
  await expect(byPsql(ground, old)).rejects.toThrow('SSL error')
})

test('nobody reads the key of a server but Undrop and the OS user of servers', async () => {
  const { deps, server } = await aServingServer()
  const { configDirectory } = deps.driver.paths(server.serverId)
  const { mode, uid } = await stat(join(configDirectory, CERTIFICATE_FILE))
  expect(uid).toBe(process.getuid?.())
  expect(mode & 0o777).toBe(uid === 0 ? 0o640 : 0o600)
  expect((await stat(configDirectory)).mode & 0o007).toBe(0)
})

test('a certificate that is good stays, and its server is told nothing', async () => {
  const { deps, server } = await aServingServer()
  const certificate = () => deps.driver.readConfig(server.serverId, CERTIFICATE_FILE)
  const before = await certificate()
  await refreshServer(deps, server)
  const told: string[] = []
  const driver = { ...deps.driver, reloadPostgres: async (id: string) => void told.push(id) }
  await refreshServer({ ...deps, driver }, server)
  expect(told).toEqual([])
  expect(await certificate()).toBe(before)
})

test('a certificate is renewed while clients are connected, without a restart', async () => {
  const ground = await aServingServer()
  const url = ground.url({ sslmode: 'verify-full', sslrootcert: await ground.caFile() })
  const [serial, postmaster] = [await serialOfAged(ground, url), await ground.postmaster()]
  const client = await connected(url)

  await refreshServer(ground.deps, ground.server)
  await until(async () => (await serialOf(url)) !== serial)
  expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  expect(await ground.postmaster()).toBe(postmaster)
  await client.end()
})

test('a server that was made without TLS is brought to it, and its clients stay connected', async () => {
  const ground = await aServer()
  const { deps } = ground
  const server = { ...ground.server, hasArchived: true }
  const plainFiles = {
    'postgresql.conf': `ssl = off\narchive_mode = on\narchive_command = ''\n`,
    'pg_hba.conf': 'local all undrop_admin peer map=undrop\nhost all all all scram-sha-256\n',
    'pg_ident.conf': deps.adminOsUsers.map((name) => `undrop "${name}" undrop_admin\n`).join(''),
  }
  await deps.driver.writeConfig(server.serverId, plainFiles)
  await start(ground)
  const plain = ground.url({ sslmode: 'disable' })
  expect(await byPg(plain)).toBeNull()
  const client = await connected(plain)

  await refreshServer(deps, server)
  const url = ground.url({ sslmode: 'verify-full', sslrootcert: await ground.caFile() })
  await until(() =>
    byPg(url).then(
      (version) => version === 'TLSv1.3',
      () => false,
    ),
  )
  await expect(byPg(plain)).rejects.toThrow('no encryption')
  expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  await client.end()
})

test('a worker that ended between writing and reloading is made up for by the next one', async () => {
  const ground = await aServingServer()
  const { deps, server } = ground
  const dying = { ...deps.driver, reloadPostgres: () => Promise.reject(new Error('dead')) }
  const url = ground.url({ sslmode: 'verify-full', sslrootcert: await ground.caFile() })
  const serial = await serialOfAged(ground, url)
  await expect(refreshServer({ ...deps, driver: dying }, server)).rejects.toThrow('dead')
  await refreshServer({ ...deps, loadedConfigs: new Map() }, server)
  await until(async () => (await serialOf(url)) !== serial)
})

test('a new endpoint host is on the certificate of a running server, and of one that starts', async () => {
  const ground = await aServingServer()
  const deps = { ...ground.deps, endpointHost: 'localhost' }
  await refreshServer(deps, ground.server)
  const url = ground.url({ sslmode: 'verify-full', sslrootcert: await ground.caFile() }, 'localhost')
  await until(() =>
    byPg(url).then(
      () => true,
      () => false,
    ),
  )
  // Still for the address that it listens on.
  expect(await byPg(ground.url({ sslmode: 'verify-full', sslrootcert: await ground.caFile() }))).toBe(
    'TLSv1.3',
  )

  await deps.driver.stopPostgres(ground.server.serverId, 'fast')
  await startServer({ ...deps, endpointHost: 'db.example.test' }, ground.server)
  const pem = await deps.driver.readConfig(ground.server.serverId, CERTIFICATE_FILE)
  expect(new X509Certificate(pem ?? '').checkHost('db.example.test')).toBeDefined()
})

test('the authority is replaced without a client being turned away that trusts both', async () => {
  const ground = await aServingServer()
  const { deps, server } = ground
  const trusting = async (sslrootcert: Promise<string>) =>
    ground.url({ sslmode: 'verify-full', sslrootcert: await sslrootcert })
  const beforehand = await trusting(ground.caFile())
  await introduceAuthority(deps.db, deps.keyRing)
  const both = await trusting(ground.caFile())
  expect([await byPg(beforehand), await byPg(both)]).toEqual(['TLSv1.3', 'TLSv1.3'])

  await useNewestAuthority(deps.db)
  await expect(retireAuthorities(deps.db, deps.driver)).rejects.toThrow('not renewed yet')
  const serial = await serialOf(both)
  await refreshServer(deps, server)
  await until(async () => (await serialOf(both)) !== serial)
  expect(await byPsql(ground, both)).toBe('TLSv1.3')
  await expect(byPsql(ground, beforehand)).rejects.toThrow('certificate verify failed')

  expect(await retireAuthorities(deps.db, deps.driver)).toBe(1)
  expect(await byPg(await trusting(ground.caFile()))).toBe('TLSv1.3')
})
