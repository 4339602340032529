import { ANCHOR_SEGMENT, archiveOf, type FakeData, type FakeServer, type FakeWorld } from './world.ts'

/** Starts postgres unless it runs. A recovery is over at once, one way or the other. */
export function startFakePostgres(world: FakeWorld, server: FakeServer, port: number): void {
  const { data, config } = server
  if (data === null) throw new Error('there is no data directory to start on')
  if (server.port !== null) return
  const conf = config['postgresql.conf'] ?? ''
  if (data.recoverySignal && !recover(world, server, data, conf)) return
  server.port = port
  server.log += line('postmaster', 'LOG', 'database system is ready to accept connections')
}

/** @returns whether the server lives on; as PostgreSQL does, it ends itself when there is nothing to recover from. */
function recover(world: FakeWorld, server: FakeServer, data: FakeData, conf: string): boolean {
  const log = (level: 'LOG' | 'FATAL', message: string) => {
    server.log += line('startup', level, message)
  }
  const sourceServerId = /^restore_command = .*fetch from (\w+)/m.exec(conf)?.[1]
  if (sourceServerId === undefined) {
    log('FATAL', 'must specify restore_command when standby mode is not enabled')
    return false
  }
  const segments = [...new Set(archiveOf(world, sourceServerId).segments)].sort()
  for (const segment of segments) log('LOG', `restored log file "${segment}" from archive`)
  log('LOG', 'redo done at 0/4000028')
  const [, kind = '', target = ''] = /^recovery_target_(time|lsn|xid|name) = '(.+)'$/m.exec(conf) ?? []
  if (kind !== '') {
    const { points } = archiveOf(world, sourceServerId)
    if (!segments.includes(ANCHOR_SEGMENT) || (kind === 'name' && !points.includes(target))) {
      log('FATAL', 'recovery ended before configured recovery target was reached')
      return false
    }
    log('LOG', `recovery stopping ${stopAt(kind, target)}`)
  }
  data.recoverySignal = false
  data.timeline += 1
  log('LOG', `selected new timeline ID: ${data.timeline}`)
  return true
}

const stopAt = (kind: string, target: string): string =>
  ({
    time: 'before commit of transaction 741, time 2026-11-23 14:00:00.000001+00',
    lsn: `after WAL location (LSN) "${target}"`,
    xid: `after commit of transaction ${target}, time 2026-11-23 13:50:00+00`,
    name: `at restore point "${target}", time 2026-11-23 14:00:00+00`,
  })[kind] ?? ''

function line(writer: 'startup' | 'postmaster', level: 'LOG' | 'FATAL', message: string): string {
  return `2026-11-23 14:00:00.000 UTC [1] ${writer}: ${level}:  ${message}\n`
}
