import { lstat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { type OsUser, runAs } from '../../lib/os-user.ts'

const FIRST_CLOSED = 'for directory; do [ -x "$directory" ] || { printf %s "$directory"; exit 1; }; done'

/**
 * Refuses a directory that the OS user cannot enter, because of its own mode or of one above it. What does not exist
 * yet is left to who makes it.
 * @throws with both paths named.
 */
export async function assertReachable(path: string, osUser: OsUser): Promise<void> {
  const onTheWay: string[] = []
  for (let directory = resolve(path); ; directory = dirname(directory)) {
    // Below a closed directory we may not see either; the closed one is named all the same.
    if ((await lstat(directory).catch(() => undefined)) !== undefined) onTheWay.unshift(directory)
    if (directory === dirname(directory)) break
  }
  const { exitCode, stdout } = await runAs(osUser, ['sh', '-c', FIRST_CLOSED, 'sh', ...onTheWay])
  if (exitCode !== 0)
    throw new Error(`OS user "${osUser.name}" cannot reach ${path}: it may not enter ${stdout}`)
}
