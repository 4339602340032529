import { randomBytes } from 'node:crypto'
import { link, open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../config/config.ts'

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
  const found = await readFile(path, 'utf8').catch(unlessMissing)
  if (found !== null) return found.trim()
  const draft = `${path}.${process.pid}`
  const file = await open(draft, 'wx', 0o600)
  await file.writeFile(`${make()}\n`)
  await file.sync()
  await file.close()
  await link(draft, path).catch(unlessThere)
  await rm(draft)
  return (await readFile(path, 'utf8')).trim()
}

function unlessMissing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null
  throw error
}

function unlessThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}
