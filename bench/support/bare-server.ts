import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { endStrayProcesses } from '../../src/drivers/local/stray-processes.ts'
import { type Argv, runAs, spawnAs } from '../../src/lib/os-user.ts'
import { type AdminConnection, withAdmin } from '../../src/postgres/connect.ts'
import { type Bench, until } from './bench.ts'

/** Names the socket only: a bare server listens on no network. */
const PORT = 5432

/** A PostgreSQL server as a script would run it. */
export interface BareServer {
  directory: string
  dataDirectory: string
  logFile: string
  admin: AdminConnection
  program(name: 'initdb' | 'postgres'): string
  write(name: string, text: string): Promise<void>
  /** @throws when the program does not succeed */
  run(argv: Argv): Promise<string>
  start(): Promise<void>
  /** Waits until the condition holds in a session of the admin. */
  untilAnswers(statement: string, wanted: unknown): Promise<void>
  /** Ends and removes it. */
  remove(): Promise<void>
}

export async function bareServer({ osUser, bareDirectory, host }: Bench): Promise<BareServer> {
  const directory = join(bareDirectory, 'server')
  const dataDirectory = join(directory, 'data')
  const logFile = join(directory, 'log')
  const program: BareServer['program'] = (name) => {
    const [version = 0] = host.driver.postgresVersions()
    return host.driver.program(version, name)
  }
  const admin = { socketDirectory: directory, port: PORT }

  const run = async (argv: Argv, stdin = '') => {
    const { exitCode, stdout, stderr } = await runAs(osUser, argv, { stdin, timeoutSeconds: 600 })
    if (exitCode !== 0) throw new Error(`${argv.join(' ')}: ${stdout}${stderr}`)
    return stdout
  }
  const write = async (name: string, text: string) => {
    await run(['sh', '-c', 'cat >"$1"', 'sh', join(directory, name)], text)
  }
  await run(['mkdir', '-p', dataDirectory, join(directory, 'spool'), join(directory, 'lock')])
  await write('hba', 'local all all trust\n')

  return {
    directory,
    dataDirectory,
    logFile,
    admin,
    program,
    write,
    run: (argv) => run(argv),
    async start() {
      const argv = [program('postgres'), '-D', dataDirectory, ...flags(directory)]
      const logged = ['sh', '-c', 'exec "$@" >>"$0" 2>&1', logFile, ...argv] as const
      const child = await spawnAs(osUser, logged, { env: { PGDATA: dataDirectory } })
      child.unref()
    },
    async untilAnswers(statement, wanted) {
      await until(statement, () =>
        withAdmin(admin, (client) => client.query({ text: statement, rowMode: 'array' })).then(
          ({ rows }) => rows[0]?.[0] === wanted,
          () => false,
        ),
      )
    },
    async remove() {
      await endStrayProcesses(osUser.uid, [directory])
      await run(['rm', '-rf', directory])
    },
  }
}

/** For its start. How to recover stands in the data directory. */
function flags(directory: string): string[] {
  const settings = {
    hba_file: join(directory, 'hba'),
    unix_socket_directories: directory,
    listen_addresses: '',
    port: String(PORT),
    // Nothing of a restored server may reach the archive it came from.
    archive_mode: 'off',
    track_commit_timestamp: 'on',
    log_timezone: 'UTC',
    log_line_prefix: '%m [%p] ',
  }
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}

/** When the server was started, and when it was ready, by its log: milliseconds since the epoch. */
export async function recoveryTimes(logFile: string): Promise<{ startedAt: number; readyAt: number }> {
  const log = await readFile(logFile, 'utf8')
  const timeOf = (pattern: RegExp) => {
    const [, date, time] = pattern.exec(log) ?? []
    if (date === undefined) throw new Error(`${logFile} has no line ${pattern}:\n${log}`)
    return Date.parse(`${date}T${time}Z`)
  }
  return {
    startedAt: timeOf(/^(\S+) (\S+) UTC .*starting PostgreSQL/m),
    readyAt: timeOf(/^(\S+) (\S+) UTC .*database system is ready to accept connections/m),
  }
}
