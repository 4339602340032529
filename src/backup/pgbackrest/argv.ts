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

/** In seconds, between attempts at a file. Its own 15 would keep a restore from an older backup for as long. */
const RETRY_AFTER = '--job-retry-interval=1'

/**
 * Leaves recovery settings to us (`none`). The delta option goes on where an interrupted restore ended; in an empty
 * directory pgBackRest turns it off by itself.
 */
export function restoreArgv(stanza: Stanza, label: string): Argv {
  return stanzaArgv(stanza, `--set=${label}`, '--type=none', '--delta', RETRY_AFTER, VERBOSE, 'restore')
}

/**
 * WAL goes by the full backups that are left: its own limit follows theirs (`repo-retention-archive`). Without a limit for
 * the history, the manifests of all backups ever taken would stay.
 */
export function expireArgv(stanza: Stanza, keepFulls: number): Argv {
  if (!Number.isSafeInteger(keepFulls) || keepFulls < 1)
    throw new RangeError('a full backup is kept at least')
  const fulls = ['--repo1-retention-full-type=count', `--repo1-retention-full=${keepFulls}`]
  return stanzaArgv(stanza, ...fulls, '--repo1-retention-history=0', 'expire')
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

export function fetchSegmentArgv(stanza: Stanza, segment: string, toFile: string): Argv {
  return stanzaArgv(stanza, '--no-archive-async', 'archive-get', segment, toFile)
}

/** The same as a setting of PostgreSQL, which fills in `%p` and `%f` and gives it to a shell. */
export function shellCommand(stanza: Stanza, command: string): string {
  return `${stanzaArgv(stanza).map(quoted).join(' ')} ${command}`
}

/**
 * pgBackRest's words when the store does not answer or refuses. Its exit status alone does not tell that from damage:
 * both are 42 or 103 (measured).
 */
const UNREACHABLE = [
  'HostConnectError',
  'ProtocolError',
  'ServiceError',
  'unable to connect',
  'timeout after',
]

/** Above 125 it ends PostgreSQL's recovery; any other failure is taken for the end of WAL (manual, 26.3.4). */
const ABORT_STATUS = 254

/**
 * `restore_command` that tells a segment which is not there from a store that does not answer: recovery would take the
 * one for the other after an outage, end early, and look complete.
 */
export function recoveryCommand(stanza: Stanza, options: string): string {
  const unreachable = UNREACHABLE.map((words) => `*'${words}'*`).join('|')
  const outcomes = [
    `'0 '*) ;;`,
    `'1 '*) false;;`,
    `${unreachable}) echo "$said" >&2; exit ${ABORT_STATUS};;`,
    `*) echo "$said" >&2; false;;`,
  ]
  return `{ said=$(${shellCommand(stanza, `${options} %f "%p"`)} 2>&1); case "$? $said" in ${outcomes.join(' ')} esac; }`
}

/**
 * The same for much WAL: what has been fetched ahead is taken from the spool by a rename, which costs a millisecond
 * where starting pgBackRest for every segment costs twenty; for the rest, and to have the spool filled again,
 * pgBackRest is asked. Files are in the spool whole or not at all.
 */
export function aheadCommand(stanza: Stanza): string {
  const fetched = join(stanza.server.paths.spoolDirectory, 'archive', stanza.archiveServerId, 'in')
  return `mv ${quoted(fetched)}/%f "%p" 2>/dev/null || ${recoveryCommand(stanza, 'archive-get')}`
}

function configOption({ server, which }: Stanza): string {
  return `--config=${join(server.paths.configDirectory, configFileName(which))}`
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''").replaceAll('%', '%%')}'`
}
