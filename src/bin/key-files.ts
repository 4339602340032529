import { randomBytes, randomUUID } from 'node:crypto'
import { constants, link, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../config/config.ts'
import { unless } from '../lib/unless.ts'

export const masterKeyFile = ({ UNDROP_DATA_DIR: directory }: Config): string => join(directory, 'master-key')

/**
 * The keys that seal secrets, the one that seals first: those of the environment, or else those in a file beside the
 * data (mode 0600), one a line, and the old ones of the environment. Null when there is none.
 */
export async function findMasterKeys(config: Config): Promise<[Buffer, ...Buffer[]] | null> {
  const { UNDROP_MASTER_KEY: key, UNDROP_OLD_MASTER_KEYS: old = [] } = config
  if (key !== undefined) return [key, ...old]
  const text = await read(masterKeyFile(config))
  return text === null ? null : [...parseMasterKeys(text, masterKeyFile(config)), ...old]
}

/** Makes a key and its file; of two processes that do so at once, both end up with the same. */
export async function makeMasterKey(config: Config): Promise<[Buffer, ...Buffer[]]> {
  const path = masterKeyFile(config)
  const text = await readOrMake(path, () => randomBytes(32).toString('base64'))
  return [...parseMasterKeys(text, path), ...(config.UNDROP_OLD_MASTER_KEYS ?? [])]
}

function parseMasterKeys(text: string, path: string): [Buffer, ...Buffer[]] {
  const lines = text.split('\n').map((line) => line.trim())
  const [first, ...further] = lines.filter((line) => line !== '').map((line) => Buffer.from(line, 'base64'))
  if (first === undefined || [first, ...further].some(({ length }) => length !== 32))
    throw new Error(`${path} does not hold 32 bytes in base64 on each line`)
  return [first, ...further]
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
