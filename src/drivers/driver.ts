/** A command to run beside a server's data directory, as the server's OS user. Secrets never travel in `argv`. */
export interface TaskSpec {
  argv: readonly [string, ...string[]]
  env?: Readonly<Record<string, string>>
}

export interface CommandSpec extends TaskSpec {
  stdin?: string
  /** The command is ended after this long; 60 unless said otherwise. */
  timeoutSeconds?: number
}

export interface CommandResult {
  /** Exit status; null when the command was ended by a signal or by the time limit. */
  exitCode: number | null
  stdout: string
  stderr: string
}

export interface TaskReport {
  state: 'not-started' | 'running' | 'succeeded' | 'failed'
  exitCode: number | null
  /** The end of what the task has printed so far, at most 64 KiB of each. */
  stdoutTail: string
  stderrTail: string
}

/** Where the parts of one server are, as seen from its own processes. */
export interface InstancePaths {
  dataDirectory: string
  /** Written by Undrop only; the server's OS user can read it. */
  configDirectory: string
  socketDirectory: string
  /** What postgres prints to stderr. */
  logFile: string
  /** For pgBackRest: its own lock, spool and log directories. */
  lockDirectory: string
  spoolDirectory: string
  backupLogDirectory: string
}

export interface DiskSpace {
  totalBytes: number
  /** What the server's OS user may still take. */
  freeBytes: number
}

export interface StartOptions {
  port: number
  /** As `listen_addresses`. Together with hba, ident, socket directory and port it goes on the command line, where no restored file can override it. */
  listenAddresses: string
}

/** `running` means that the process is alive, not that it accepts connections or has recovered (pitfall 9). */
export type PostgresState = 'running' | 'stopped' | 'no-data'

/** Thrown by `startPostgres` when somebody else listens on the port. */
export class PortTakenError extends Error {
  override readonly name = 'PortTakenError'
}

/**
 * Where a PostgreSQL server lives: a local process, later a container or a pod. It knows nothing of pgBackRest.
 *
 * Everything is named after the server id, so any call may be repeated after a crash, and destroying what is gone
 * already succeeds. Work below directories of the OS user is done as that user.
 */
export interface ServerDriver {
  readonly kind: 'local'

  paths(serverId: string): InstancePaths
  /** PostgreSQL programs of a major version, as `{ initdb: '/usr/lib/…/initdb', … }` looked up by `program`. */
  program(
    postgresVersion: number,
    name: 'postgres' | 'initdb' | 'pg_waldump' | 'pg_controldata' | 'pg_amcheck' | 'psql',
  ): string
  /** Major versions this driver can run, highest first. */
  postgresVersions(): readonly number[]

  /** Makes the server's directories where they are missing. */
  ensureInstance(serverId: string): Promise<void>
  /** Atomically replaces files in the configuration directory; null removes one. */
  writeConfig(serverId: string, files: Readonly<Record<string, string | null>>): Promise<void>
  /** A file of the configuration directory; null when there is none. */
  readConfig(serverId: string, name: string): Promise<string | null>
  /** Stops everything that belongs to the server, strays included, and removes its directories. */
  destroyInstance(serverId: string): Promise<void>
  /** Of the file system that the server's data is on, or would be. */
  diskSpace(serverId: string): Promise<DiskSpace>
  /** Ids of all servers that have a directory here. */
  listInstances(): Promise<string[]>

  /**
   * Starts postgres with `<config>/postgresql.conf`, `pg_hba.conf` and `pg_ident.conf`; does nothing if it runs.
   * Returns once the process runs or has ended again; it may not accept connections yet.
   * @throws PortTakenError when the port belongs to somebody else.
   */
  startPostgres(serverId: string, postgresVersion: number, options: StartOptions): Promise<void>
  /** Returns once the process is gone; `immediate` when `fast` takes longer than the limit. */
  stopPostgres(serverId: string, mode: 'fast' | 'immediate'): Promise<void>
  postgresState(serverId: string): Promise<PostgresState>
  /** Has the running server read its configuration again (SIGHUP). */
  reloadPostgres(serverId: string): Promise<void>
  /** What postgres has logged from that byte on, at most 1 MiB a call. */
  readLog(serverId: string, fromByte: number): Promise<{ text: string; nextByte: number }>

  /** Runs a short command to its end. */
  run(serverId: string, command: CommandSpec): Promise<CommandResult>

  /** Starts a named task that outlives this process. Does nothing if a task of that name exists. */
  startTask(serverId: string, name: string, task: TaskSpec): Promise<void>
  checkTask(serverId: string, name: string): Promise<TaskReport>
  /** Resolves the moment a task that this process started ends; at once when it did not start it. */
  taskEnded(serverId: string, name: string): Promise<void>
  /** Ends a task that runs, and forgets it, so that its name can be used again. */
  clearTask(serverId: string, name: string): Promise<void>
}
