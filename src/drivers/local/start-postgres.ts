import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { runAs, spawnAs } from '../../lib/os-user.ts'
import { endProcesses } from '../../lib/process-table.ts'
import { waitUntil } from '../../lib/wait-until.ts'
import { PortTakenError, type StartOptions } from '../driver.ts'
import { ensureSocketDirectory } from './instance-directories.ts'
import { findDataProcesses, findPostmaster, hasLockFile, type Instance } from './postmaster.ts'
import { isPortTaken } from './probe-port.ts'
import { readServerLog, serverLogBytes } from './server-log.ts'

const START_SECONDS = 60
const ORPHAN_GRACE_SECONDS = 5

/** See `ServerDriver.startPostgres`. @param program the path of `postgres` */
export async function startPostgres(
  instance: Instance,
  program: string,
  { port, listenAddresses }: StartOptions,
): Promise<void> {
  if ((await findPostmaster(instance)) !== null) return
  await ensureSocketDirectory(instance.paths, instance.osUser)
  await removeLeftovers(instance)
  if (await isPortTaken(listenAddresses, port)) throw new PortTakenError(`Port ${port} is taken`)

  const logStart = await serverLogBytes(instance)
  const child = await spawnPostgres(instance, program, { port, listenAddresses })
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null
  const holdsSockets = async () => (await findPostmaster(instance))?.holdsSockets === true
  const answered = await waitUntil(async () => hasEnded() || (await holdsSockets()), {
    timeoutSeconds: START_SECONDS,
  })
  if (!answered) throw new Error(`PostgreSQL did not open its sockets within ${START_SECONDS} s`)
  if (!hasEnded()) return
  const { text } = await readServerLog(instance, logStart)
  if (/Address already in use/.test(text)) throw new PortTakenError(`Port ${port} is taken`)
}

async function spawnPostgres({ paths, osUser }: Instance, program: string, options: StartOptions) {
  const settings = {
    config_file: join(paths.configDirectory, 'postgresql.conf'),
    hba_file: join(paths.configDirectory, 'pg_hba.conf'),
    ident_file: join(paths.configDirectory, 'pg_ident.conf'),
    listen_addresses: options.listenAddresses,
    unix_socket_directories: paths.socketDirectory,
    port: String(options.port),
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const command = [program, '-D', paths.dataDirectory, ...flags]
  // The shell opens the log, so that it is opened with the OS user's rights.
  const child = await spawnAs(osUser, ['sh', '-c', 'exec "$@" >>"$0" 2>&1', paths.logFile, ...command], {
    cwd: paths.varDirectory,
    env: { PGDATA: paths.dataDirectory },
  })
  child.unref()
  return child
}

/**
 * Removes the lock files of a server that did not end in good order: PostgreSQL refuses to start when the number in
 * one belongs to any process of the same user by now. Its own check for orphaned backends goes with the file, so they
 * are ended first.
 */
async function removeLeftovers(instance: Instance): Promise<void> {
  const { paths, osUser } = instance
  const sockets = await readdir(paths.socketDirectory)
  if (sockets.length === 0 && !(await hasLockFile(instance))) return
  // Somebody else may have started it meanwhile, if this process was paused.
  if ((await findPostmaster(instance)) !== null) return
  await endProcesses(() => findDataProcesses(instance), ORPHAN_GRACE_SECONDS)
  const files = [
    join(paths.dataDirectory, 'postmaster.pid'),
    ...sockets.map((name) => join(paths.socketDirectory, name)),
  ]
  const removed = await runAs(osUser, ['rm', '-f', '--', ...files])
  if (removed.exitCode !== 0)
    throw new Error(`Lock files of a dead server cannot be removed: ${removed.stderr}`)
}
