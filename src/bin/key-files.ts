import { randomBytes, randomUUID } from 'node:crypto'
import { constants, link, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../config/config.ts'
import { unless } from '../lib/unless.ts'

/** The keys that seal secrets: those of the environment, or one that is made once and kept beside the data, mode 0600. */
export async function masterKeys({
  UNDROP_MASTER_KEY: key,
  UNDROP_DATA_DIR: directory,
}: Config): Promise<[Buffer]> {
  if (key !== undefined) return [key]
  const text = await readOrMake(join(directory, 'master-key'), () => randomBytes(32).toString('base64'))
  const made = Buffer.from(text, 'base64')
  if (made.length !== 32) throw new Error(`${join(directory, 'master-key')} does not hold 32 bytes in base64`)
  return [made]
}

/** The platform's API key, from the environment or from a file as above. */
export async function platformKey({
  UNDROP_PLATFORM_KEY: key,
  UNDROP_DATA_DIR: directory,
}: Config): Promise<string> {
  return (
    key ?? readOrMake(join(directory, 'platform-key'), () => `udk_${randomBytes(32).toString('base64url')}`)
  )
}

/** Of two processes that make the file at once, both end up with the same one, whole. */
async function readOrMake(path: string, make: () => string): Promise<string> {
  const found = await read(path)
  if (found !== null) return found
  const draft = `${path}.${randomUUID()}`
  try {
    const file = await open(draft, 'wx', 0o600)
    await file.writeFile(`${make()}\n`)
    await file.sync()
    await file.close()
    await link(draft, path).catch(unless('EEXIST'))
  } finally {
    await rm(draft, { force: true })
  }
  const made = await read(path)
  if (made === null) throw new Error(`${path} has gone again`)
  return made
}

/** @throws when somebody else could have written or read the file. */
async function read(path: string): Promise<string | null> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch(unless('ENOENT'))
  if (file === undefined) return null
  try {
    const { uid, mode } = await file.stat()
    if (uid !== process.getuid?.() || (mode & 0o077) !== 0)
      throw new Error(`${path} is not a file of ours alone (mode 0600)`)
    return (await file.readFile('utf8')).trim()
  } finally {
    await file.close()
  }
}
