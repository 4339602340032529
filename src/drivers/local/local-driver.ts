import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { runAs } from '../../lib/os-user.ts'
import type { DiskSpace, ServerDriver } from '../driver.ts'
import {
  ensureInstanceDirectories,
  type Layout,
  listInstanceDirectories,
  localPaths,
  readConfigFile,
  removeInstanceDirectories,
  resolvedRoot,
  writeConfigFiles,
} from './instance-directories.ts'
import { localTasks } from './local-tasks.ts'
import { type Instance, postgresState } from './postmaster.ts'
import { readServerLog } from './server-log.ts'
import { startPostgres } from './start-postgres.ts'
import { reloadPostgres, stopPostgres } from './stop-postgres.ts'
import { endStrayProcesses } from './stray-processes.ts'

/** `dataDirectory` exists, is ours and lets the OS user pass; `runDirectory` is as `chooseRunDirectory` makes it. */
export interface LocalDriverOptions extends Layout {
  /** Directories of PostgreSQL programs by major version, as `findPostgresBinaries` finds them. */
  binDirectories: ReadonlyMap<number, string>
}

/**
 * Servers as local processes of one OS user. As root we never write, change owners or delete below a directory of that
 * user, who could have put a symbolic link there, and read such files only with care (`readBeneath`).
 */
export function localDriver(options: LocalDriverOptions): ServerDriver {
  const { osUser, binDirectories } = options
  const tasks = localTasks()
  const instanceOf = (serverId: string): Instance => ({ paths: localPaths(options, serverId), osUser })
  const program: ServerDriver['program'] = (postgresVersion, name) => {
    const directory = binDirectories.get(postgresVersion)
    if (directory === undefined) throw new Error(`PostgreSQL ${postgresVersion} is not installed`)
    return join(directory, name)
  }

  return {
    kind: 'local',
    paths: (serverId) => localPaths(options, serverId),
    program,
    postgresVersions: () => [...binDirectories.keys()].sort((a, b) => b - a),

    ensureInstance: (serverId) => ensureInstanceDirectories(options, localPaths(options, serverId)),
    writeConfig: (serverId, files) =>
      writeConfigFiles(localPaths(options, serverId).configDirectory, osUser, files),
    readConfig: (serverId, name) => readConfigFile(localPaths(options, serverId).configDirectory, name),
    async destroyInstance(serverId) {
      const instance = instanceOf(serverId)
      await stopPostgres(instance, 'immediate')
      const { paths } = instance
      await endStrayProcesses(osUser.uid, [paths.root, await resolvedRoot(paths)])
      await removeInstanceDirectories(paths, osUser)
    },
    diskSpace: () => diskSpaceOf(options.dataDirectory),
    listInstances: () => listInstanceDirectories(options),

    startPostgres: (serverId, postgresVersion, startOptions) =>
      startPostgres(instanceOf(serverId), program(postgresVersion, 'postgres'), startOptions),
    stopPostgres: (serverId, mode) => stopPostgres(instanceOf(serverId), mode),
    postgresState: (serverId) => postgresState(instanceOf(serverId)),
    reloadPostgres: (serverId) => reloadPostgres(instanceOf(serverId)),
    readLog: (serverId, fromByte) => readServerLog(instanceOf(serverId), fromByte),

    run(serverId, { argv, env, ...rest }) {
      const { varDirectory, dataDirectory } = localPaths(options, serverId)
      return runAs(osUser, argv, { ...rest, cwd: varDirectory, env: { PGDATA: dataDirectory, ...env } })
    },

    startTask: (serverId, name, task) => tasks.start(instanceOf(serverId), name, task),
    checkTask: (serverId, name) => tasks.check(instanceOf(serverId), name),
    taskEnded: (serverId, name) => tasks.ended(instanceOf(serverId), name),
    clearTask: (serverId, name) => tasks.clear(instanceOf(serverId), name),
  }
}

async function diskSpaceOf(path: string): Promise<DiskSpace> {
  const { bsize, blocks, bavail } = await statfs(path)
  return { totalBytes: blocks * bsize, freeBytes: bavail * bsize }
}
