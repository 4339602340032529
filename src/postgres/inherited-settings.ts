import type pg from 'pg'
import type { ServerSettings } from '../domain/addon.ts'
import type { ControlFile } from './control-file.ts'

/** Limits that WAL may need as large as they were where it was written (PostgreSQL manual, 27.4.3). */
const LIMITS = [
  'max_connections',
  'max_worker_processes',
  'max_wal_senders',
  'max_prepared_transactions',
  'max_locks_per_transaction',
]

/** What a running parent hands down to a child. */
export async function inheritedSettings(client: pg.Client): Promise<ServerSettings> {
  const { rows } = await client.query<{ name: string; setting: string }>(
    'SELECT name, setting FROM pg_settings WHERE name = ANY ($1)',
    [[...LIMITS, 'wal_level']],
  )
  return Object.fromEntries(
    rows.map(({ name, setting }) => [name, LIMITS.includes(name) ? Number(setting) : setting]),
  )
}

/** The settings with every limit at least what the control file has (pitfall 8). */
export function atLeast(settings: ServerSettings, control: ControlFile): ServerSettings {
  const least: Record<string, number> = {
    max_connections: control.maxConnections,
    max_worker_processes: control.maxWorkerProcesses,
    max_wal_senders: control.maxWalSenders,
    max_prepared_transactions: control.maxPreparedTransactions,
    max_locks_per_transaction: control.maxLocksPerTransaction,
  }
  const raised = Object.entries(least).map(([name, value]) => [
    name,
    Math.max(Number(settings[name] ?? 0), value),
  ])
  return { wal_level: control.walLevel, ...settings, ...Object.fromEntries(raised) }
}
