import { once } from 'node:events'
import { chmod, chown, mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { newId } from '../../src/domain/ids.ts'
import type { CommandResult, CommandSpec, InstancePaths } from '../../src/drivers/driver.ts'
import { findPostgresBinaries } from '../../src/drivers/local/postgres-binaries.ts'
import { findOsUser, runAs, spawnAs } from '../../src/lib/os-user.ts'
import { waitUntil } from '../../src/lib/wait-until.ts'
import { hbaServing, identMap } from '../../src/postgres/access.ts'
import { untilAdmitted } from '../../src/postgres/admission.ts'
import { type AdminConnection, withAdmin } from '../../src/postgres/connect.ts'
import { postgresqlConf } from '../../src/postgres/settings.ts'
import type { OpenAdmin } from '../../src/postgres/side-effects.ts'
import { issueServerCertificate, makeAuthority } from '../../src/secrets/certificates.ts'
import { freePort } from './ports.ts'

/** A PostgreSQL server of the test's own, without a driver, under the files that Undrop generates. */
export interface BareServer {
  serverId: string
  postgresVersion: number
  port: number
  paths: InstancePaths
  connection: AdminConnection
  /** By which clients know it over the network, PEM. */
  caCertificate: string
  openAdmin: OpenAdmin
  program(name: string): string
  /** Runs a command as the server's OS user. */
  run(command: CommandSpec): Promise<CommandResult>
  /** Writes a file that the server's OS user can read into the configuration directory. */
  writeConfig(name: string, text: string): Promise<void>
  initialise(): Promise<void>
  /** Starts postgres, which may not accept connections yet. */
  launch(conf: string): Promise<void>
  /** Starts postgres and waits until our admin can connect. */
  start(conf?: string): Promise<void>
  stop(): Promise<void>
  log(): Promise<string>
  [Symbol.asyncDispose](): Promise<void>
}

const START_SECONDS_MAX = 60

export const PLAIN_CONF = postgresqlConf({ settings: { max_prepared_transactions: 5 }, archiveCommand: '' })

export async function bareServer(): Promise<BareServer> {
  const [osUser, [[postgresVersion, bin] = never()]] = await Promise.all([
    findOsUser('postgres'),
    findPostgresBinaries().then((found) => [...found]),
  ])
  const serverId = newId('server')
  const port = await freePort()
  const root = await mkdtemp('/tmp/ub-')
  await chmod(root, 0o755)
  const directory = (name: string) => join(root, name)
  const paths: InstancePaths = {
    dataDirectory: directory('data'),
    configDirectory: directory('conf'),
    socketDirectory: directory('sock'),
    logFile: directory('log'),
    lockDirectory: directory('lock'),
    spoolDirectory: directory('spool'),
    backupLogDirectory: directory('backup-log'),
  }
  for (const path of Object.values(paths)) {
    if (path === paths.logFile) continue
    await mkdir(path, { mode: 0o700 })
    await chown(path, osUser.uid, osUser.gid)
  }
  const connection = { socketDirectory: paths.socketDirectory, port }
  const authority = await makeAuthority(new Date())
  let postgres: Awaited<ReturnType<typeof spawnAs>> | undefined

  const pem = join(paths.configDirectory, 'server.pem')
  const tls = `ssl = on\nssl_cert_file = '${pem}'\nssl_key_file = '${pem}'\n`

  const server: BareServer = {
    serverId,
    postgresVersion,
    port,
    paths,
    connection,
    caCertificate: authority.certificate,
    openAdmin: (database, use) => withAdmin({ ...connection, database }, use),
    program: (name) => join(bin, name),
    run: (command) => runAs(osUser, command.argv, command),

    async writeConfig(name, text) {
      const file = join(paths.configDirectory, name)
      await writeFile(file, text, { mode: 0o600 })
      await chown(file, osUser.uid, osUser.gid)
    },

    async initialise() {
      const options = ['--username=undrop_admin', '--auth=peer', '--encoding=UTF8', '--no-sync']
      const argv = [join(bin, 'initdb'), '-D', paths.dataDirectory, '--locale=C.UTF-8', ...options] as const
      const { exitCode, stderr } = await server.run({ argv: [...argv] })
      if (exitCode !== 0) throw new Error(`initdb failed: ${stderr}`)
    },

    async launch(conf) {
      await server.writeConfig('postgresql.conf', `${conf}${tls}`)
      await server.writeConfig(
        'server.pem',
        await issueServerCertificate(authority, ['127.0.0.1'], new Date()),
      )
      await server.writeConfig('pg_hba.conf', hbaServing())
      await server.writeConfig('pg_ident.conf', identMap(['root', osUser.name]))
      const file = (name: string) => join(paths.configDirectory, name)
      const settings = {
        config_file: file('postgresql.conf'),
        hba_file: file('pg_hba.conf'),
        ident_file: file('pg_ident.conf'),
        unix_socket_directories: paths.socketDirectory,
        listen_addresses: '127.0.0.1',
        port,
      }
      const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
      const log = await open(paths.logFile, 'a')
      postgres = await spawnAs(osUser, [join(bin, 'postgres'), '-D', paths.dataDirectory, ...options], {
        stdio: ['ignore', log.fd, log.fd],
      })
      await log.close()
    },

    async start(conf = PLAIN_CONF) {
      await server.launch(conf)
      const hasEnded = () => postgres?.exitCode !== null
      const settled = async () => hasEnded() || (await untilAdmitted(connection, 0))
      await waitUntil(settled, { timeoutSeconds: START_SECONDS_MAX, everyMilliseconds: 20 })
      if (hasEnded() || !(await untilAdmitted(connection, 0)))
        throw new Error(`postgres does not start:\n${await server.log()}`)
    },

    async stop() {
      if (postgres === undefined || postgres.exitCode !== null || postgres.signalCode !== null) return
      const ended = once(postgres, 'exit')
      postgres.kill('SIGINT')
      await ended
    },

    log: () => readFile(paths.logFile, 'utf8'),

    async [Symbol.asyncDispose]() {
      await server.stop()
      await rm(root, { recursive: true, force: true, maxRetries: 5 })
    },
  }
  return server
}

function never(): never {
  throw new Error('no PostgreSQL server programs are installed')
}
