import { lstat, mkdir } from 'node:fs/promises'
import { totalmem, userInfo } from 'node:os'
import { join } from 'node:path'
import { pgbackrestEngine } from '../backup/pgbackrest/engine.ts'
import type { Config } from '../config/config.ts'
import { assertReachable } from '../drivers/local/assert-reachable.ts'
import { localDriver } from '../drivers/local/local-driver.ts'
import { findPostgresBinaries } from '../drivers/local/postgres-binaries.ts'
import { chooseRunDirectory } from '../drivers/local/run-directory.ts'
import { findOsUser } from '../lib/os-user.ts'
import { openArchives } from './archives.ts'

/** This machine as the place where servers and archives live. */
export async function openHost(config: Config) {
  const dataDirectory = config.UNDROP_DATA_DIR
  const osUser = await findOsUser(config.UNDROP_OS_USER)
  await mkdir(dataDirectory, { recursive: true, mode: 0o711 })
  await assertOurs(dataDirectory)
  await assertReachable(dataDirectory, osUser)
  const runDirectory = await chooseRunDirectory(dataDirectory)
  const binDirectories = await findPostgresBinaries()
  if (binDirectories.size === 0)
    throw new Error('No PostgreSQL server programs were found: run scripts/setup.sh')

  return {
    driver: localDriver({ dataDirectory, runDirectory, osUser, binDirectories }),
    /** Only the private metadata cluster lives here, apart from the servers of add-ons. */
    metadataDriver: localDriver({
      dataDirectory: join(dataDirectory, 'metadata'),
      runDirectory,
      osUser,
      binDirectories,
    }),
    metadataDirectory: join(dataDirectory, 'metadata'),
    engine: pgbackrestEngine({ program: 'pgbackrest', processMax: config.UNDROP_BACKUP_PROCESSES }),
    archives: await openArchives(config, osUser),
    settings: hostSettings(totalmem()),
    adminOsUsers: [...new Set([userInfo().username, osUser.name])],
  }
}

export type Host = Awaited<ReturnType<typeof openHost>>

/** Whoever may write there could put keys and links in our way. */
async function assertOurs(path: string): Promise<void> {
  const found = await lstat(path)
  if (!found.isDirectory() || found.uid !== process.getuid?.() || (found.mode & 0o022) !== 0)
    throw new Error(`${path} has to be a directory of ours that nobody else can write to`)
}

const MEGABYTE = 1024 * 1024
const [BUFFERS_MIN, BUFFERS_MAX] = [128, 1024]

/**
 * A sixteenth of the memory for each server, which takes it only as it is used. Replay gains most of all: pages that
 * stay in the buffers are written once, not again and again (docs/adr/0008).
 */
function hostSettings(memoryBytes: number) {
  const buffers = Math.min(Math.max(Math.floor(memoryBytes / 16 / MEGABYTE), BUFFERS_MIN), BUFFERS_MAX)
  return { shared_buffers: `${buffers}MB` }
}
