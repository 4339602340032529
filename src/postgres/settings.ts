import type { ServerSettings } from '../domain/addon.ts'
import { type Moment, toRecoveryTargetTime } from '../domain/moment.ts'

interface PostgresqlConf {
  /** What this server has beyond the defaults, such as its parent's `max_connections`. */
  settings: ServerSettings
  /** As the engine gives it; empty holds WAL back until the server has an archive of its own (pitfall 1). */
  archiveCommand: string
  /** Absolute path of the server's key and certificate, in one file; none for a server that no network reaches. */
  certificateFile?: string
}

interface Recovery {
  restoreCommand: string
  /** The timeline to follow, by number: `latest` may be another server's (pitfall 2). */
  timeline: number
  /** Null replays to the end of WAL. */
  target: RecoveryTarget | null
  /** Whether what is exactly at the target is kept. */
  inclusive: boolean
}

/** Where recovery stops. A name is the one that WAL has. */
export type RecoveryTarget = { time: Moment } | { lsn: string } | { xid: string } | { name: string }

const DEFAULTS: ServerSettings = {
  max_connections: 100,
  max_prepared_transactions: 0,
  shared_buffers: '128MB',
  wal_level: 'replica',
  timezone: 'UTC',
  password_encryption: 'scram-sha-256',
}

/** Undrop relies on these, so a server's own settings cannot change them. */
const FIXED: ServerSettings = {
  archive_mode: 'on',
  archive_timeout: 60,
  fsync: 'on',
  full_page_writes: 'on',
  track_commit_timestamp: 'on',
  synchronous_standby_names: '',
  // Connections that never log in must not keep Undrop out for long, nor a tenant's own at all.
  authentication_timeout: '10s',
  superuser_reserved_connections: 10,
  // The log is parsed (recovery-log.ts), and nothing in it may hold a statement with a password.
  logging_collector: 'off',
  log_destination: 'stderr',
  // CONTEXT and DETAIL lines quote statements and rows.
  log_error_verbosity: 'terse',
  log_timezone: 'UTC',
  log_line_prefix: '%m [%p] %b: ',
  lc_messages: 'C',
  log_min_messages: 'warning',
  log_statement: 'none',
  log_min_error_statement: 'panic',
  log_min_duration_statement: -1,
  log_min_duration_sample: -1,
  log_parameter_max_length_on_error: 0,
}

/**
 * The whole `postgresql.conf` of a server. Settings that need a restart have their serving values from the start, so
 * that a restored server needs none. Sockets, port, hba and ident files are the driver's, on the command line.
 *
 * @throws RangeError when a name or value cannot stand in a configuration file.
 */
export function postgresqlConf({ settings, archiveCommand, certificateFile }: PostgresqlConf): string {
  const tls = tlsSettings(certificateFile)
  return confText({ ...DEFAULTS, ...settings, ...FIXED, ...tls, archive_command: archiveCommand })
}

/** PostgreSQL manual, 20.3.3. A reload is enough for all of them. */
function tlsSettings(certificateFile: string | undefined): ServerSettings {
  if (certificateFile === undefined) return { ssl: 'off' }
  const files = { ssl_cert_file: certificateFile, ssl_key_file: certificateFile }
  return { ssl: 'on', ssl_min_protocol_version: 'TLSv1.2', ...files }
}

/**
 * Goes after `postgresqlConf` while a restored server replays; without it the server serves.
 *
 * No connection is wanted meanwhile, so the parent's larger settings do not pause recovery (pitfall 8); except that
 * `max_prepared_transactions` must still be the parent's. Subscriptions and scheduled jobs stay asleep (pitfall 11).
 */
export function recoverySettings({ restoreCommand, timeline, target, inclusive }: Recovery): string {
  return confText({
    restore_command: restoreCommand,
    recovery_target_timeline: timeline,
    ...(target === null ? {} : targetSettings(target)),
    recovery_target_inclusive: inclusive,
    recovery_target_action: 'promote',
    hot_standby: 'off',
    max_logical_replication_workers: 0,
    'cron.launch_active_jobs': 'off',
    autovacuum: 'off',
    // It reads past the target, fetching segments in vain; what is replayed onto has just been written and is cached.
    recovery_prefetch: 'off',
    // A restartpoint would only delay a server that starts over from the backup if it crashes.
    max_wal_size: '64GB',
    checkpoint_timeout: '1d',
  })
}

/** PostgreSQL manual, 20.5.5: at most one of them. */
function targetSettings(target: RecoveryTarget): ServerSettings {
  if ('time' in target) return { recovery_target_time: toRecoveryTargetTime(target.time) }
  if ('lsn' in target) return { recovery_target_lsn: target.lsn }
  if ('xid' in target) return { recovery_target_xid: target.xid }
  return { recovery_target_name: target.name }
}

/** Goes after `postgresqlConf` on a server that is only looked at: nothing on it acts by itself (pitfall 11). */
export function dormantSettings(): string {
  return confText({
    'max_logical_replication_workers': 0,
    'cron.launch_active_jobs': 'off',
    'autovacuum': 'off',
  })
}

function confText(settings: ServerSettings): string {
  return Object.entries(settings)
    .map(([name, value]) => `${checkedName(name)} = ${quoted(value)}\n`)
    .join('')
}

function checkedName(name: string): string {
  if (!/^[A-Za-z_][\w.]*$/.test(name)) throw new RangeError('not the name of a PostgreSQL setting')
  return name
}

/** PostgreSQL manual, 20.1.2: quotes are doubled, and backslash escapes are read inside them. */
function quoted(value: string | number | boolean): string {
  const text = typeof value === 'boolean' ? (value ? 'on' : 'off') : String(value)
  if (/[\n\r\0]/.test(text)) throw new RangeError('a PostgreSQL setting is one line')
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
}
