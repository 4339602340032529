import { join } from 'node:path'
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

const AUTHORITIES_FILE_NAMES: Record<EngineConfig, string> = {
  own: 'pgbackrest-ca.pem',
  source: 'source-ca.pem',
}

export function configFileName(which: EngineConfig): string {
  return FILE_NAMES[which]
}

/** Every file there may be, by name. */
export const configFileNames = (which: EngineConfig): string[] => [
  FILE_NAMES[which],
  AUTHORITIES_FILE_NAMES[which],
]

/**
 * The configuration file, and beside it the certificates of the authorities that an object store is trusted by: the OS
 * user of the server may not be able to read the operator's file.
 * @throws RangeError when a value would not fit on one line.
 */
export function configFiles(
  which: EngineConfig,
  options: PgbackrestOptions,
  server: EngineServer,
  archive: ArchiveAccess,
): Record<string, string> {
  const { repository } = archive
  const authorities = repository.type === 's3' ? repository.certificateAuthorities : null
  return {
    [FILE_NAMES[which]]: configText(which, options, server, archive),
    ...(authorities === null ? {} : { [AUTHORITIES_FILE_NAMES[which]]: authorities }),
  }
}

/**
 * The text of a configuration file. It holds the archive's passphrase, and the keys of an object store.
 *
 * @throws RangeError when a value would not fit on one line.
 */
function configText(
  which: EngineConfig,
  { processMax }: PgbackrestOptions,
  server: EngineServer,
  archive: ArchiveAccess,
): string {
  const { paths } = server
  return iniText({
    global: {
      ...repositoryOptions(archive.repository, join(paths.configDirectory, AUTHORITIES_FILE_NAMES[which])),
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

/** @param authoritiesFile where the authorities of an object store are written to, if it has some of its own */
function repositoryOptions(repository: Repository, authoritiesFile: string): Record<string, string | number> {
  if (repository.type === 'posix') return { 'repo1-path': repository.path }
  const { path, bucket, region, host, port, pathStyle, certificateAuthorities, key } = repository
  return {
    'repo1-type': 's3',
    'repo1-path': path,
    'repo1-s3-bucket': bucket,
    'repo1-s3-endpoint': host,
    'repo1-storage-port': port,
    'repo1-s3-region': region,
    'repo1-s3-uri-style': pathStyle ? 'path' : 'host',
    'repo1-s3-key': key.accessKeyId,
    'repo1-s3-key-secret': key.secretAccessKey,
    ...(certificateAuthorities === null ? {} : { 'repo1-storage-ca-file': authoritiesFile }),
  }
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
