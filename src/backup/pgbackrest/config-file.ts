import { ADMIN_ROLE } from '../../domain/admin-role.ts'
import type { Repository } from '../../domain/repository.ts'
import type { ArchiveAccess, EngineConfig, EngineServer } from '../engine.ts'

export interface PgbackrestOptions {
  /** Path of the program. */
  program: string
  /** How many files are copied at once. */
  processMax: number
}

/** pgBackRest wants a limit; what expires is decided elsewhere, and never as a part of a backup. */
const RETAIN_ALL = 9_999_999

const FILE_NAMES: Record<EngineConfig, string> = { own: 'pgbackrest.conf', source: 'source.conf' }

export function configFileName(which: EngineConfig): string {
  return FILE_NAMES[which]
}

/**
 * The text of a configuration file. It holds the archive's passphrase.
 *
 * @throws RangeError when a value would not fit on one line.
 */
export function configText(
  which: EngineConfig,
  { processMax }: PgbackrestOptions,
  server: EngineServer,
  archive: ArchiveAccess,
): string {
  const { paths } = server
  return iniText({
    global: {
      ...repositoryOptions(archive.repository),
      'repo1-cipher-type': 'aes-256-cbc',
      'repo1-cipher-pass': archive.cipherPass,
      'lock-path': paths.lockDirectory,
      'log-path': paths.backupLogDirectory,
      'spool-path': paths.spoolDirectory,
      'log-level-console': 'warn',
      'log-level-file': 'off',
      'process-max': processMax,
      ...(which === 'own' ? writing() : reading()),
    },
    [archive.serverId]: {
      'pg1-path': paths.dataDirectory,
      ...(which === 'own'
        ? { 'pg1-port': server.port, 'pg1-socket-path': paths.socketDirectory, 'pg1-user': ADMIN_ROLE }
        : {}),
    },
  })
}

/** WAL is pushed synchronously, so that an anchor is in the archive as soon as its segment is complete. */
function writing() {
  return {
    'repo1-bundle': 'y',
    'repo1-retention-full': RETAIN_ALL,
    'expire-auto': 'n',
    'compress-type': 'lz4',
    'start-fast': 'y',
    'archive-timeout': 60,
  }
}

/** WAL is fetched ahead of replay, which otherwise waits for every segment. */
function reading() {
  return { 'archive-async': 'y', 'archive-get-queue-max': '2GiB' }
}

function repositoryOptions(repository: Repository): Record<string, string | number> {
  if (repository.type === 'posix') return { 'repo1-path': repository.path }
  throw new Error('BUG: not built yet')
}

function iniText(sections: Record<string, Record<string, string | number>>): string {
  return Object.entries(sections)
    .map(([name, values]) => {
      const lines = Object.entries(values).map(([key, value]) => `${key}=${oneLine(value)}\n`)
      return `[${name}]\n${lines.join('')}`
    })
    .join('\n')
}

function oneLine(value: string | number): string {
  const text = String(value)
  if (/[\n\r]/.test(text) || text.trim() !== text) throw new RangeError('a configuration value is one line')
  return text
}
