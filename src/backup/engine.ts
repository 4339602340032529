import type { BackupType } from '../domain/addon.ts'
import type { Moment } from '../domain/moment.ts'
import type { Repository } from '../domain/repository.ts'
import type { CommandResult, CommandSpec, InstancePaths, TaskReport, TaskSpec } from '../drivers/driver.ts'

/** Where an archive is and how to open it. Holds a secret: never log it, never put it into a memo. */
export interface ArchiveAccess {
  /** The server the archive belongs to; it names the stanza. */
  serverId: string
  repository: Repository
  cipherPass: string
}

/** The server as the engine sees it. */
export interface EngineServer {
  serverId: string
  postgresVersion: number
  port: number
  paths: InstancePaths
}

/** One complete base backup in an archive. */
export interface BackupInfo {
  label: string
  type: BackupType
  /** When it began and when it was complete, to the second: the engine keeps no fractions. */
  startedAt: Moment
  stoppedAt: Moment
  startLsn: string
  stopLsn: string
  startSegment: string
  stopSegment: string
  timeline: number
  sizeBytes: number
  repositorySizeBytes: number
  /** The backups that it cannot be restored without. */
  referenceLabels: string[]
  /** A page has failed its checksum: nothing may be restored from it. */
  hasErrors: boolean
  /** Null when the listing does not tell: only that of one label does. */
  hasTablespaces: boolean | null
}

/** What a command that has failed, or a task, has printed. */
export type Output = Pick<CommandResult, 'stdout' | 'stderr'> | Pick<TaskReport, 'stdoutTail' | 'stderrTail'>

export interface TaskProgress {
  bytesDone: number
  bytesTotal: number | null
  percent: number | null
}

/** A base backup that cannot be restored. */
export interface DamagedBackup {
  label: string
  /** How many of its files are damaged or missing; null when not even their list can be read. */
  files: number | null
}

/** What an archive looks like, file by file. */
export interface VerifyReport {
  /** False when not even the lists of what is in the archive can be read. */
  isReadable: boolean
  /** False when files could not be read, which may pass. */
  isComplete: boolean
  damaged: DamagedBackup[]
  damagedSegments: string[]
}

/** Which file names hold the engine's configuration in a server's configuration directory. */
export type EngineConfig = 'own' | 'source'

/**
 * Speaks pgBackRest and knows nothing of where it runs: describes tasks and commands for a driver and reads what they
 * print. `own` configuration names the server's own archive; `source` the one that a restored server is fetched from.
 */
export interface BackupEngine {
  /** Configuration files to write beside the server, by file name. */
  configFiles(which: EngineConfig, server: EngineServer, archive: ArchiveAccess): Record<string, string>
  /** The names of those files, for removing them. */
  configFileNames(which: EngineConfig): string[]

  /** Values for the PostgreSQL settings of these names. */
  archiveCommand(server: EngineServer): string
  /** @param fetchesAhead of replay; worth its start when there is much WAL */
  restoreCommand(server: EngineServer, sourceServerId: string, options: { fetchesAhead: boolean }): string

  createArchive(server: EngineServer): CommandSpec
  /** Whether creating it failed because an earlier attempt was interrupted: only an empty place will do then. */
  isHalfMade(result: CommandResult): boolean
  /** Whether a command or task failed because the archive does not open with its passphrase, which no repetition mends. */
  isUnreadable(output: Output): boolean
  backupTask(server: EngineServer, type: BackupType): TaskSpec
  restoreTask(server: EngineServer, sourceServerId: string, label: string): TaskSpec
  /** The label of the backup that the task has made; null where it does not say. */
  madeBackup(report: TaskReport): string | null
  /** Whether that task failed for good because files of the backup, or of one it refers to, are damaged or gone. */
  isDamaged(report: TaskReport): boolean
  /** Reads every file of an archive, from beside a server with `source` configuration, against its checksum. */
  verifyTask(server: EngineServer, archiveServerId: string): TaskSpec
  /** What a verification that has ended by itself has found. A backup that is gone as a whole is not listed any more. */
  parseVerify(report: TaskReport): VerifyReport
  /** Ends what still fetches WAL for a server that needs no more, and removes what was fetched ahead. */
  endFetching(server: EngineServer, sourceServerId: string): CommandSpec
  /** @param bytesTotal size of the backup, when known: the engine itself prints shares of it. */
  progressOf(kind: 'backup' | 'restore', report: TaskReport, bytesTotal?: number | null): TaskProgress

  /**
   * Removes all but the newest full backups, those that build upon what goes, and the WAL before the oldest that stays.
   * @param keepFulls at least 1, with errors or without
   */
  expireTask(server: EngineServer, keepFulls: number): TaskSpec

  /** Every complete backup, oldest first, or with a label that one alone, with more detail. */
  listBackups(server: EngineServer, which: EngineConfig, archiveServerId: string, label?: string): CommandSpec
  parseBackups(stdout: string): BackupInfo[]
  /** Copies one archived segment to a file; exits with 1 when the archive does not have it. */
  fetchSegment(
    server: EngineServer,
    which: EngineConfig,
    archiveServerId: string,
    segment: string,
    toFile: string,
  ): CommandSpec
}
