import { execFile } from 'node:child_process'
import { access, constants, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { unless } from '../../lib/unless.ts'

const DEBIAN_ROOT = '/usr/lib/postgresql'

/** Directories of PostgreSQL programs by major version: Debian's, and the one that `pg_config` on the PATH names. */
export async function findPostgresBinaries(): Promise<Map<number, string>> {
  const versions = ((await readdir(DEBIAN_ROOT).catch(unless('ENOENT'))) ?? []).filter((name) =>
    /^\d+$/.test(name),
  )
  const candidates = versions.map((name): [number, string] => [Number(name), join(DEBIAN_ROOT, name, 'bin')])
  const fromPath = await askPgConfig()
  if (fromPath !== null) candidates.unshift(fromPath)
  const found = new Map<number, string>()
  for (const [version, directory] of candidates) {
    if (await canRun(join(directory, 'postgres'))) found.set(version, directory)
  }
  return found
}

async function askPgConfig(): Promise<[number, string] | null> {
  const ask = promisify(execFile)
  try {
    const { stdout: version } = await ask('pg_config', ['--version'])
    const { stdout: directory } = await ask('pg_config', ['--bindir'])
    return [Number(/\d+/.exec(version)?.[0]), directory.trim()]
  } catch {
    return null
  }
}

const canRun = (program: string) =>
  access(program, constants.X_OK).then(
    () => true,
    () => false,
  )
