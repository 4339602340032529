import { lstat, open, readdir, readFile, realpath, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type OsUser, runAs } from '../../lib/os-user.ts'
import { ensureDirectory, ours, removeUserDirectory } from '../../lib/owned-directory.ts'
import { assertPlainName } from '../../lib/plain-name.ts'
import { readProcess } from '../../lib/process-table.ts'
import { unless } from '../../lib/unless.ts'
import type { InstancePaths } from '../driver.ts'

/** Where the parts of one server are. `root`, `conf` and all above are ours; `var` and the socket directory the OS user's. */
export interface LocalPaths extends InstancePaths {
  root: string
  varDirectory: string
  tasksDirectory: string
}

export interface Layout {
  dataDirectory: string
  runDirectory: string
  osUser: OsUser
}

export function localPaths({ dataDirectory, runDirectory }: Layout, serverId: string): LocalPaths {
  const root = join(dataDirectory, 'servers', assertPlainName(serverId))
  const varDirectory = join(root, 'var')
  return {
    root,
    varDirectory,
    tasksDirectory: join(varDirectory, 'tasks'),
    dataDirectory: join(varDirectory, 'data'),
    configDirectory: join(root, 'conf'),
    socketDirectory: join(runDirectory, serverId),
    logFile: join(varDirectory, 'log', 'postgresql.log'),
    lockDirectory: join(varDirectory, 'lock'),
    spoolDirectory: join(varDirectory, 'spool'),
    backupLogDirectory: join(varDirectory, 'log'),
  }
}

export async function ensureInstanceDirectories(
  { dataDirectory, osUser }: Layout,
  paths: LocalPaths,
): Promise<void> {
  await ensureDirectory(join(dataDirectory, 'servers'), ours(0o711))
  await ensureDirectory(paths.root, ours(0o711))
  await ensureDirectory(paths.configDirectory, ours(0o750, osUser.gid))
  await ensureDirectory(paths.varDirectory, { uid: osUser.uid, gid: osUser.gid, mode: 0o700 })
  await ensureSocketDirectory(paths, osUser)
  const { tasksDirectory, lockDirectory, spoolDirectory, backupLogDirectory } = paths
  const below = [paths.dataDirectory, tasksDirectory, lockDirectory, spoolDirectory, backupLogDirectory]
  const made = await runAs(osUser, ['mkdir', '-p', '--', ...below])
  if (made.exitCode !== 0) throw new Error(`Directories of a server cannot be made: ${made.stderr}`)
}

/** Apart from the rest, because a restart of the machine empties /run. */
export async function ensureSocketDirectory({ socketDirectory }: LocalPaths, osUser: OsUser): Promise<void> {
  await ensureDirectory(socketDirectory, { uid: osUser.uid, gid: osUser.gid, mode: 0o700 })
}

/** Replaces each file as a whole; null removes it. The OS user can read the files and change nothing. */
export async function writeConfigFiles(
  directory: string,
  osUser: OsUser,
  files: Readonly<Record<string, string | null>>,
): Promise<void> {
  await removeAbandonedDrafts(directory)
  const replace = async ([name, text]: [string, string | null]) => {
    const path = join(directory, assertPlainName(name))
    if (text === null) return rm(path, { force: true })
    const draft = join(directory, `.${name}.${process.pid}`)
    await using file = await open(draft, 'w', 0o600)
    const owner = process.getuid?.() ?? 0
    await file.chown(owner, osUser.gid)
    // PostgreSQL takes a private key from root that its group may read, and none of its own that anybody else may.
    await file.chmod(owner === osUser.uid ? 0o600 : 0o640)
    await file.writeFile(text)
    // Otherwise the new name can outlive a power cut, and its contents not.
    await file.datasync()
    await rename(draft, path)
  }
  await Promise.all(Object.entries(files).map(replace))
}

/** Of a file that `writeConfigFiles` has written; null when there is none. */
export async function readConfigFile(directory: string, name: string): Promise<string | null> {
  const text = await readFile(join(directory, assertPlainName(name)), 'utf8').catch(unless('ENOENT'))
  return text ?? null
}

/** A process that is killed while it writes leaves its draft, and what is secret in it. */
async function removeAbandonedDrafts(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const writer = /^\..+\.(\d+)$/.exec(name)?.[1]
    if (writer === undefined || (await readProcess(Number(writer))) !== null) continue
    await rm(join(directory, name), { force: true })
  }
}

export async function removeInstanceDirectories(paths: LocalPaths, osUser: OsUser): Promise<void> {
  await removeUserDirectory(paths.varDirectory, osUser)
  await removeUserDirectory(paths.socketDirectory, osUser)
  // Last, as it is what the server is found by.
  await rm(paths.root, { recursive: true, force: true })
}

export async function listInstanceDirectories({ dataDirectory }: Layout): Promise<string[]> {
  const found = await readdir(join(dataDirectory, 'servers'), { withFileTypes: true }).catch(unless('ENOENT'))
  return (found ?? []).filter((entry) => entry.isDirectory()).map(({ name }) => name)
}

/** The server's directory as processes see it in their working directory: with links above it resolved. */
export async function resolvedRoot(paths: LocalPaths): Promise<string> {
  const found = await lstat(paths.root).catch(unless('ENOENT'))
  return found === undefined ? paths.root : realpath(paths.root)
}
