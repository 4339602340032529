import type { OsUser } from '../../lib/os-user.ts'
import { listProcesses, type Process, readProcess, workingDirectory } from '../../lib/process-table.ts'
import { readBeneath, statDirectoryBeneath } from '../../lib/read-beneath.ts'
import type { PostgresState } from '../driver.ts'
import type { LocalPaths } from './instance-directories.ts'

export interface Instance {
  paths: LocalPaths
  osUser: OsUser
}

/** Line of postmaster.pid that is written once the server holds its sockets (LOCK_FILE_LINE_PM_STATUS). */
const STATUS_LINE = 7

export async function postgresState(instance: Instance): Promise<PostgresState> {
  const version = await readData(instance, 'PG_VERSION')
  if (version === null) return 'no-data'
  return (await findPostmaster(instance)) === null ? 'stopped' : 'running'
}

/** The server's main process, if it lives, and whether it holds its sockets yet. */
export async function findPostmaster(
  instance: Instance,
): Promise<{ process: Process; holdsSockets: boolean } | null> {
  const lines = (await readData(instance, 'postmaster.pid'))?.split('\n') ?? []
  const pid = Number(lines[0])
  if (!Number.isInteger(pid) || pid <= 1) return null
  const process = await readProcess(pid)
  // The number may have gone to somebody else since: only a process at work in this very directory counts.
  if (process === null || !(await worksInData(instance, process))) return null
  return { process, holdsSockets: (lines[STATUS_LINE] ?? '').trim() !== '' }
}

/** Everything that works in the data directory: backends hold the shared memory of a server whose postmaster died. */
export async function findDataProcesses(instance: Instance): Promise<Process[]> {
  const all = await listProcesses(instance.osUser.uid)
  const chosen = await Promise.all(all.map((process) => worksInData(instance, process)))
  return all.filter((_, index) => chosen[index])
}

export async function hasLockFile(instance: Instance): Promise<boolean> {
  return (await readData(instance, 'postmaster.pid')) !== null
}

async function worksInData({ paths, osUser }: Instance, { pid, uid }: Process): Promise<boolean> {
  if (uid !== osUser.uid) return false
  const data = await statDirectoryBeneath(paths.varDirectory, 'data')
  const current = await workingDirectory(pid)
  return data !== null && current !== null && data.dev === current.dev && data.ino === current.ino
}

async function readData({ paths, osUser }: Instance, name: string): Promise<string | null> {
  const file = await readBeneath(paths.varDirectory, `data/${name}`, { uid: osUser.uid, maxBytes: 4096 })
  return file?.bytes.toString('utf8') ?? null
}
