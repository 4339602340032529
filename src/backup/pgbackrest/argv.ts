import { join } from 'node:path'
import type { BackupType } from '../../domain/addon.ts'
import type { EngineConfig, EngineServer } from '../engine.ts'
import { configFileName } from './config-file.ts'

type Argv = readonly [string, ...string[]]

/** The archive a command is about and how the server reaches it. */
export interface Stanza {
  program: string
  server: EngineServer
  which: EngineConfig
  /** The server the archive belongs to. */
  archiveServerId: string
}

const TYPES: Record<BackupType, string> = { full: 'full', differential: 'diff', incremental: 'incr' }

/** Prints a line for every file, which progress.ts reads. */
const VERBOSE = '--log-level-console=detail'

export function stanzaArgv(stanza: Stanza, ...rest: string[]): Argv {
  return [stanza.program, configOption(stanza), `--stanza=${stanza.archiveServerId}`, ...rest]
}

export function backupArgv(stanza: Stanza, type: BackupType): Argv {
  return stanzaArgv(stanza, `--type=${TYPES[type]}`, VERBOSE, 'backup')
}

/**
 * Leaves recovery settings to us (`none`). The delta option goes on where an interrupted restore ended; in an empty
 * directory pgBackRest turns it off by itself.
 */
export function restoreArgv(stanza: Stanza, label: string): Argv {
  return stanzaArgv(stanza, `--set=${label}`, '--type=none', '--delta', VERBOSE, 'restore')
}

/** Below `info` it says nothing of what it finds. Between attempts at a file it would wait for 15 s, for each file. */
export function verifyArgv(stanza: Stanza): Argv {
  return stanzaArgv(stanza, '--log-level-console=info', '--job-retry-interval=0', 'verify')
}

const END_FETCHING = `
locks="$1" spool="$2"
shift 2
"$@" || exit
for lock in "$locks"/*.lock; do flock --wait 10 "$lock" true || exit; done
find "$locks" "$spool" -mindepth 1 -delete
`

/**
 * `stop` signals whatever holds a lock in the server's own lock directory, such as the asynchronous `archive-get`, and
 * does not wait until it is gone: its lock tells.
 */
export function endFetchingArgv(stanza: Stanza): Argv {
  const { lockDirectory, spoolDirectory } = stanza.server.paths
  return [
    'sh',
    '-c',
    END_FETCHING,
    'sh',
    lockDirectory,
    spoolDirectory,
    ...stanzaArgv(stanza, '--force', 'stop'),
  ]
}

export function infoArgv(stanza: Stanza, label?: string): Argv {
  return stanzaArgv(stanza, ...(label === undefined ? [] : [`--set=${label}`]), '--output=json', 'info')
}

/** Takes no stanza: it lists any path of the repository. */
export function listArchiveArgv(stanza: Stanza): Argv {
  const path = `archive/${stanza.archiveServerId}`
  return [stanza.program, configOption(stanza), '--recurse', '--output=json', 'repo-ls', path]
}

export function fetchSegmentArgv(stanza: Stanza, segment: string, toFile: string): Argv {
  return stanzaArgv(stanza, '--no-archive-async', 'archive-get', segment, toFile)
}

/** The same as a setting of PostgreSQL, which fills in `%p` and `%f` and gives it to a shell. */
export function shellCommand(stanza: Stanza, command: string): string {
  return `${stanzaArgv(stanza).map(quoted).join(' ')} ${command}`
}

/**
 * `restore_command` for much WAL: what has been fetched ahead is taken from the spool by a rename, which costs a
 * millisecond where starting pgBackRest for every segment costs twenty; for the rest, and to have the spool filled
 * again, pgBackRest is asked. Files are in the spool whole or not at all.
 */
export function aheadCommand(stanza: Stanza): string {
  const fetched = join(stanza.server.paths.spoolDirectory, 'archive', stanza.archiveServerId, 'in')
  return `mv ${quoted(fetched)}/%f "%p" 2>/dev/null || ${shellCommand(stanza, 'archive-get %f "%p"')}`
}

function configOption({ server, which }: Stanza): string {
  return `--config=${join(server.paths.configDirectory, configFileName(which))}`
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''").replaceAll('%', '%%')}'`
}
