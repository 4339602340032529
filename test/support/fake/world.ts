import type { BackupInfo } from '../../../src/backup/engine.ts'
import type { Access } from '../../../src/domain/credential.ts'
import type { Moment } from '../../../src/domain/moment.ts'
import type { DiskSpace } from '../../../src/drivers/driver.ts'

/** A data directory, and what is in its database. */
export interface FakeData {
  timeline: number
  /** PostgreSQL looks for it at every start, and removes it when recovery has ended (manual, 26.3.4). */
  recoverySignal: boolean
  databases: string[]
  /** What each may do that logs in; `old` is what a rotation has left. */
  roles: Record<string, Access | 'old' | 'locked'>
  subscriptions: { enabled: boolean }[]
  /** The backup of which not all files came through. */
  isPartOf?: string
}

export interface FakeTask {
  argv: readonly string[]
  checks: number
}

/** What is below one server's directory. */
export interface FakeServer {
  config: Record<string, string>
  data: FakeData | null
  /** Whether there is a `pg_control` and nothing else. */
  hasControlFile: boolean
  /** Where postgres listens; null while it does not run. */
  port: number | null
  log: string
  tasks: Map<string, FakeTask>
  /** The name of every task that was ever really started. */
  tasksStarted: string[]
}

export interface FakeArchive {
  hasStanza: boolean
  backups: { info: BackupInfo; data: FakeData }[]
  segments: string[]
  /** The restore points in WAL. */
  points: string[]
}

/** Servers and archives as maps: what is left of them after a crash is what a test can compare. */
export interface FakeWorld {
  servers: Map<string, FakeServer>
  archives: Map<string, FakeArchive>
  /** Labels of backups whose files do not match their checksums. */
  damaged: Set<string>
  /** Programs whose tasks fail, such as `initdb`. */
  failing: Set<string>
  disk: DiskSpace
  /** Happens once, as part of the effect of the next call of that name. */
  ambush: { call: string; happens: () => Promise<void> } | null
}

/** The world's clock stands still; base backups have stopped half an hour before. */
export const NOW: Moment = '2026-11-23T14:00:00.000000Z'
export const BACKUP_STOPPED_AT: Moment = '2026-11-23T13:30:00.000000Z'
export const BACKUP_SEGMENT = '000000010000000000000003'
/** The segment that the anchor's marker is in. */
export const ANCHOR_SEGMENT = '000000010000000000000004'

export const emptyWorld = (): FakeWorld => ({
  servers: new Map(),
  archives: new Map(),
  damaged: new Set(),
  failing: new Set(),
  disk: { totalBytes: 100e9, freeBytes: 80e9 },
  ambush: null,
})

export function serverOf(world: FakeWorld, serverId: string): FakeServer {
  const server = world.servers.get(serverId)
  if (server === undefined) throw new Error(`there is no directory of ${serverId}`)
  return server
}

export function archiveOf(world: FakeWorld, serverId: string): FakeArchive {
  const archive = world.archives.get(serverId)
  if (archive === undefined) throw new Error(`there is no archive of ${serverId}`)
  return archive
}

export async function springAmbush(world: FakeWorld, call: string): Promise<void> {
  const { ambush } = world
  if (ambush?.call !== call) return
  world.ambush = null
  await ambush.happens()
}
