import { chmod, lchown, lstat, mkdir, rmdir } from 'node:fs/promises'
import { type OsUser, runAs } from './os-user.ts'
import { unless } from './unless.ts'

export interface Ownership {
  uid: number
  gid: number
  mode: number
}

/** Ownership of what only we may change and the user may pass through. */
export function ours(mode: number, gid = process.getgid?.() ?? 0): Ownership {
  return { uid: process.getuid?.() ?? 0, gid, mode }
}

/**
 * Makes a directory with exactly that owner and mode, or finds it. Its parent has to be ours alone or sticky.
 * @throws when something else is at that path: a link, a file, or somebody else's directory.
 */
export async function ensureDirectory(path: string, { uid, gid, mode }: Ownership): Promise<void> {
  await mkdir(path, { mode: 0o700 }).catch(unless('EEXIST'))
  const found = await lstat(path)
  const isExpected = found.isDirectory() && (found.uid === uid || found.uid === process.getuid?.())
  if (!isExpected) throw new Error(`${path} exists already and is not a directory of ours`)
  if (found.uid !== uid || found.gid !== gid) await lchown(path, uid, gid)
  if ((found.mode & 0o7777) !== mode) await chmod(path, mode)
}

/** Removes a user's directory out of one of ours: what is in it as that user, so that no link leads elsewhere. */
export async function removeUserDirectory(path: string, osUser: OsUser): Promise<void> {
  const found = await lstat(path).catch(unless('ENOENT'))
  if (found === undefined) return
  // While it is still ours, as when making it was interrupted, nobody can have put anything into it.
  if (found.uid === osUser.uid) {
    const result = await runAs(osUser, ['find', path, '-mindepth', '1', '-delete'], { timeoutSeconds: 600 })
    if (result.exitCode !== 0) throw new Error(`${path} cannot be emptied: ${result.stderr.slice(0, 500)}`)
  }
  await rmdir(path).catch(unless('ENOENT'))
}
