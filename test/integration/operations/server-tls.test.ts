import { X509Certificate } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { findOsUser, runAs } from '../../../src/lib/os-user.ts'
import { refreshServer } from '../../../src/operations/refresh-server.ts'
import {
  introduceAuthority,
  retireAuthorities,
  useNewestAuthority,
} from '../../../src/operations/replace-authority.ts'
import { CERTIFICATE_FILE } from '../../../src/operations/server-certificate.ts'
import { startServer } from '../../../src/operations/server-work.ts'
import { makeAuthority } from '../../../src/secrets/certificates.ts'
import { until } from '../../support/until.ts'
import {
  aServer,
  aServingServer,
  byPg,
  byPsql,
  connected,
  serialOf,
  serialOfAged,
  start,
} from './server-tls-ground.ts'

const actor = { apiKeyId: null, requestId: 'r1', sourceAddress: 'here' }

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
  await introduceAuthority(deps.db, deps.keyRing, actor)
  const both = await trusting(ground.caFile())
  expect([await byPg(beforehand), await byPg(both)]).toEqual(['TLSv1.3', 'TLSv1.3'])

  await useNewestAuthority(deps.db, actor)
  await expect(retireAuthorities(deps.db, deps.driver, actor)).rejects.toThrow('not renewed yet')
  const serial = await serialOf(both)
  await refreshServer(deps, server)
  await until(async () => (await serialOf(both)) !== serial)
  expect(await byPsql(ground, both)).toBe('TLSv1.3')
  await expect(byPsql(ground, beforehand)).rejects.toThrow('certificate verify failed')

  expect(await retireAuthorities(deps.db, deps.driver, actor)).toBe(1)
  expect(await byPg(await trusting(ground.caFile()))).toBe('TLSv1.3')
})

test.runIf(process.getuid?.() === 0)(
  'without root a key is for its owner alone, as PostgreSQL demands of one that is its own',
  async () => {
    const osUser = await findOsUser('postgres')
    const module = join(import.meta.dirname, '../../../src/drivers/local/instance-directories.ts')
    const script = `
      import { mkdtempSync, rmSync, statSync } from 'node:fs'
      import { writeConfigFiles } from ${JSON.stringify(module)}
      const directory = mkdtempSync('/tmp/ut-')
      const osUser = ${JSON.stringify(osUser)}
      await writeConfigFiles(directory, osUser, { 'server.pem': 'key' })
      console.log((statSync(directory + '/server.pem').mode & 0o777).toString(8))
      rmSync(directory, { recursive: true })`
    const argv = [process.execPath, '--input-type=module', '-e', script] as const
    const { stdout, stderr } = await runAs(osUser, argv)
    expect(stdout.trim(), stderr).toBe('600')
  },
)
