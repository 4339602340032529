import type { BackupInfo } from '../../../src/backup/engine.ts'
import { addSeconds } from '../../../src/domain/moment.ts'
import {
  ANCHOR_SEGMENT,
  archiveOf,
  BACKUP_SEGMENT,
  BACKUP_STOPPED_AT,
  type FakeArchive,
  type FakeData,
  type FakeServer,
  type FakeWorld,
  serverOf,
} from './world.ts'

/** Starts a task unless there is one of that name; its effect is there at once. */
export function startedTask(world: FakeWorld, serverId: string, name: string, argv: readonly string[]): void {
  const server = serverOf(world, serverId)
  if (server.tasks.has(name)) return
  server.tasks.set(name, { argv, checks: 0 })
  // Named after the operation or not, the first word says what it is.
  server.tasksStarted.push(name.split('-')[0] ?? '')
  const { program, verb } = commandOf(argv)
  if (world.failing.has(program) || world.failing.has(verb)) return
  if (program === 'initdb') initdb(server)
  else if (verb === 'backup') backup(world, serverId, argv[2] ?? '')
  else if (verb === 'expire') expire(world, serverId, Number(argv[2]))
  else if (program === 'pg_amcheck') assertRuns(server)
  else if (verb === 'verify') archiveOf(world, argv[2] ?? '')
  else if (verb === 'restore') restore(world, server, argv[2] ?? '', argv[3] ?? '')
  else throw new Error(`the fake world has no task ${argv.join(' ')}`)
}

/** initdb comes behind the shell that empties its directory. */
export function commandOf(argv: readonly string[]): { program: string; verb: string } {
  const [program = '', verb = ''] = argv
  return program === 'sh' && argv.length > 5 ? { program: argv[4] ?? '', verb: '' } : { program, verb }
}

function assertRuns({ port }: FakeServer): void {
  if (port === null) throw new Error('there is no server to check')
}

function initdb(server: FakeServer): void {
  server.data = {
    timeline: 1,
    recoverySignal: false,
    databases: ['postgres'],
    roles: {},
    subscriptions: [],
  }
}

function backup(world: FakeWorld, serverId: string, type: string): void {
  const { data, config } = serverOf(world, serverId)
  const archive = archiveOf(world, serverId)
  if (data === null || config['own.conf'] !== serverId || !archive.hasStanza)
    throw new Error('there is nothing to back up, or nowhere to')
  archive.backups.push({ info: backupInfo(archive.backups, type, data), data: structuredClone(data) })
  archive.segments.push(BACKUP_SEGMENT)
}

/** All but the newest full backups go, and what builds upon them. */
function expire(world: FakeWorld, serverId: string, keepFulls: number): void {
  const archive = archiveOf(world, serverId)
  const fulls = archive.backups.filter(({ info }) => info.type === 'full').map(({ info }) => info.label)
  const oldest = fulls.at(-keepFulls) ?? ''
  archive.backups = archive.backups.filter(({ info }) => info.label >= oldest)
}

/** As with the real engine, what has no full backup to build upon is one itself. */
function backupInfo(before: FakeArchive['backups'], type: string, { timeline }: FakeData): BackupInfo {
  const full = before.findLast(({ info }) => info.type === 'full')?.info.label
  const own = String(Number(before.at(-1)?.info.label.slice(-7, -1) ?? 129_999) + 1)
  const upon = type === 'full' ? undefined : full
  return {
    label: upon === undefined ? `20261123-${own}F` : `${upon}_20261123-${own}D`,
    type: upon === undefined ? 'full' : 'differential',
    referenceLabels: upon === undefined ? [] : [upon],
    hasErrors: false,
    startedAt: addSeconds(BACKUP_STOPPED_AT, -1),
    stoppedAt: BACKUP_STOPPED_AT,
    startLsn: '0/3000028',
    stopLsn: '0/3000100',
    startSegment: BACKUP_SEGMENT,
    stopSegment: BACKUP_SEGMENT,
    timeline,
    sizeBytes: 1000,
    repositorySizeBytes: 100,
    hasTablespaces: false,
  }
}

function restore(world: FakeWorld, server: FakeServer, sourceServerId: string, label: string): void {
  const base = archiveOf(world, sourceServerId).backups.find(({ info }) => info.label === label)
  if (base === undefined || server.config['source.conf'] !== sourceServerId)
    throw new Error('there is nothing to restore')
  if (server.data?.isPartOf !== undefined && server.data.isPartOf !== label)
    throw new Error('files of another backup are in the way')
  if (server.hasControlFile) throw new Error('the directory is not empty')
  if (world.damaged.has(label)) {
    server.data = { ...structuredClone(base.data), isPartOf: label }
    return
  }
  server.data = structuredClone(base.data)
}

/** What a short command prints; null when it fails. */
export function runCommand(world: FakeWorld, serverId: string, argv: readonly string[]): string | null {
  const server = serverOf(world, serverId)
  const [program, verb = '', which, archiveServerId = ''] = argv
  if (program === 'pg_controldata') return CONTROL_DATA
  if (program === 'base64') return server.data === null ? null : 'control'
  if (program === 'sh' && verb === '-c' && argv[2]?.includes('pg_control')) return placeControlFile(server)
  if (program === 'sh') return askForRecovery(server, argv[2] ?? '')
  if (program === 'pg_waldump') return transactionsOf(argv.at(-1) ?? '')
  if (program === 'rm') return ''
  if (program === 'ls') return world.failing.has('last-push') ? `${ANCHOR_SEGMENT}.ready\n` : ''
  if (program === 'find') return removeData(server)
  if (program !== 'engine') throw new Error(`the fake world has no program ${program}`)
  if (server.config[`${which}.conf`] !== archiveServerId) return null
  const archive = archiveOf(world, archiveServerId)
  switch (verb) {
    case 'create-archive':
      archive.hasStanza = true
      return ''
    case 'list-backups':
      return JSON.stringify(archive.backups.map(({ info }) => info))
    case 'fetch-segment':
      // As pgBackRest does, which asks `pg_control` whose WAL it is.
      return server.data === null && !server.hasControlFile ? null : ''
    case 'end-fetching':
      return ''
    default:
      throw new Error(`the fake engine has no ${verb}`)
  }
}

function placeControlFile(server: FakeServer): string {
  server.hasControlFile = true
  return ''
}

function removeData(server: FakeServer): string {
  server.data = null
  server.hasControlFile = false
  return ''
}

function askForRecovery(server: FakeServer, script: string): string | null {
  if (server.data === null || !script.includes('recovery.signal')) return null
  server.data.recoverySignal = true
  return ''
}

/** The only commit in the archive is the anchor's marker. */
function transactionsOf(file: string): string {
  if (!file.endsWith(ANCHOR_SEGMENT)) return ''
  return 'rmgr: Transaction len (rec/tot): 34/34, tx: 741, lsn: 0/04000028, prev 0/04000000, desc: COMMIT 2026-11-23 13:50:00.000000 UTC\n'
}

const CONTROL_DATA = [
  'Database cluster state: in archive recovery',
  'Database system identifier: 7000000000000000001',
  "Latest checkpoint's TimeLineID: 1",
  'wal_level setting: replica',
  'max_connections setting: 100',
  'max_worker_processes setting: 8',
  'max_wal_senders setting: 10',
  'max_prepared_xacts setting: 0',
  'max_locks_per_xact setting: 64',
].join('\n')
