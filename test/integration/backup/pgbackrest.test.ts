import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { ArchiveAccess, EngineServer } from '../../../src/backup/engine.ts'
import { pgbackrestEngine } from '../../../src/backup/pgbackrest/engine.ts'
import type { Moment } from '../../../src/domain/moment.ts'
import { findGaps, segmentOfLsn } from '../../../src/domain/wal-segment.ts'
import type { CommandResult, CommandSpec } from '../../../src/drivers/driver.ts'
import { archiverState, commitMarkerAfter, isArchived, serverClock } from '../../../src/postgres/anchor.ts'
import { controlDataCommand, parseControlData } from '../../../src/postgres/control-file.ts'
import { parseHistory } from '../../../src/postgres/history.ts'
import { readRecoveryLog } from '../../../src/postgres/recovery-log.ts'
import { postgresqlConf, recoverySettings } from '../../../src/postgres/settings.ts'
import { parseTransactions, transactionsCommand } from '../../../src/postgres/waldump.ts'
import { type BareServer, bareServer } from '../../support/bare-server.ts'
import { until } from '../../support/until.ts'
import { listSegmentsOf } from './list-segments.ts'
import { type Place, placeOf } from './place.ts'

const engine = pgbackrestEngine({ program: 'pgbackrest', processMax: 2 })

let parent: BareServer
let place: Place
let archive: ArchiveAccess
beforeAll(async () => {
  parent = await bareServer()
  place = await placeOf(parent)
  archive = {
    serverId: parent.serverId,
    repository: place.repository,
    cipherPass: 'passphrase of the parent',
  }
  await configure(parent, 'own', archive)
  await parent.initialise()
  const archiveCommand = engine.archiveCommand(engineServer(parent))
  await parent.start(postgresqlConf({ settings: {}, archiveCommand }))
  await succeed(parent, engine.createArchive(engineServer(parent)))
  await succeed(parent, engine.backupTask(engineServer(parent), 'full'))
})
afterAll(() => parent[Symbol.asyncDispose]())

function engineServer({ serverId, postgresVersion, port, paths }: BareServer): EngineServer {
  return { serverId, postgresVersion, port, paths }
}

async function configure(server: BareServer, which: 'own' | 'source', access: ArchiveAccess): Promise<void> {
  const files = engine.configFiles(which, engineServer(server), access)
  for (const [name, text] of Object.entries(files)) await server.writeConfig(name, text)
}

async function succeed(server: BareServer, command: CommandSpec): Promise<CommandResult> {
  const result = await server.run(command)
  expect(result, result.stderr).toMatchObject({ exitCode: 0 })
  return result
}

async function aChild(access = archive) {
  const child = await bareServer()
  await configure(child, 'source', access)
  return child
}

const listBackups = async (label?: string) => {
  const { stdout } = await succeed(
    parent,
    engine.listBackups(engineServer(parent), 'own', parent.serverId, label),
  )
  return engine.parseBackups(stdout)
}

const listSegments = () => listSegmentsOf(parent)

/** Commits a marker and returns once its segment is in the archive. */
const archiveUpTo = (moment: Moment) =>
  parent.openAdmin('postgres', async (client) => {
    const anchor = await commitMarkerAfter(client, moment)
    await until(async () => isArchived(await archiverState(client), anchor.segment))
    return anchor
  })

const clock = () => parent.openAdmin('postgres', serverClock)

const query = async (server: BareServer, text: string) =>
  (await server.openAdmin('postgres', (client) => client.query(text))).rows

describe('an archive', () => {
  test('can be created again', async () => {
    await succeed(parent, engine.createArchive(engineServer(parent)))
  })

  test('lists each complete backup with where it begins and ends', async () => {
    const [full] = await listBackups()
    expect(full).toMatchObject({ type: 'full', timeline: 1, hasTablespaces: null })
    expect(full && full.startedAt <= full.stoppedAt && full.stoppedAt <= (await clock())).toBe(true)
    expect(full?.startSegment).toBe(segmentOfLsn(full?.startLsn ?? '', 1))
    expect(full?.sizeBytes).toBeGreaterThan(full?.repositorySizeBytes ?? Number.POSITIVE_INFINITY)
  })

  test('tells of one backup whether it has tablespaces', async () => {
    const [full] = await listBackups()
    expect(await listBackups(full?.label)).toEqual([{ ...full, hasTablespaces: false }])
  })

  test('takes differential and incremental backups upon a full one', async () => {
    await succeed(parent, engine.backupTask(engineServer(parent), 'differential'))
    await succeed(parent, engine.backupTask(engineServer(parent), 'incremental'))
    const types = (await listBackups()).map(({ type }) => type)
    expect(types.slice(0, 3)).toEqual(['full', 'differential', 'incremental'])
  })

  test('lists every segment since the first backup, and hands one out for decoding', async () => {
    const anchor = await archiveUpTo(await clock())
    const segments = await listSegments()
    expect(segments).toContain(anchor.segment)
    expect(findGaps(segments, (await listBackups())[0]?.startSegment ?? '')).toEqual([])
    const file = join(parent.paths.spoolDirectory, anchor.segment)
    const fetch = [engineServer(parent), 'own', parent.serverId, anchor.segment, file] as const
    await succeed(parent, engine.fetchSegment(...fetch))
    const { stdout } = await parent.run(transactionsCommand(parent.program('pg_waldump'), file))
    expect(parseTransactions(stdout).map(({ at }) => at)).toContain(anchor.committedAt)
  })

  test('has no backups where no archive is', async () => {
    await using child = await aChild({ ...archive, serverId: 'srv_absent' })
    const server = engineServer(child)
    const backups = await succeed(child, engine.listBackups(server, 'source', 'srv_absent'))
    expect(engine.parseBackups(backups.stdout)).toEqual([])
  })

  // What garbage a wrong passphrase makes, and so what pgBackRest complains of, differs from one to the next.
  test.each(['another', 'wrong', 'not this one', 'nor that one'])(
    'cannot be read or written with another passphrase, and says so: %s',
    async (cipherPass) => {
      await using child = await aChild({ ...archive, cipherPass })
      const server = engineServer(child)
      const { stdout } = await succeed(child, engine.listBackups(server, 'source', parent.serverId))
      expect(() => engine.parseBackups(stdout)).toThrow(
        expect.objectContaining({ code: 'archive-unreadable', detail: undefined }),
      )
      const [full] = await listBackups()
      const [segment = ''] = await listSegments()
      const file = join(child.paths.spoolDirectory, segment)
      // As a server of that archive, which needs one to be there.
      const asParent = { ...server, serverId: parent.serverId, port: parent.port }
      const own = { ...asParent, paths: { ...parent.paths, configDirectory: child.paths.configDirectory } }
      const files = engine.configFiles('own', own, { ...archive, cipherPass })
      for (const [name, text] of Object.entries(files)) await child.writeConfig(name, text)
      for (const command of [
        engine.restoreTask(server, parent.serverId, full?.label ?? ''),
        engine.fetchSegment(own, 'own', parent.serverId, segment, file),
        engine.backupTask(own, 'full'),
        engine.createArchive(own),
      ]) {
        const result = await child.run(command)
        expect(result.exitCode, command.argv.join(' ')).toBeGreaterThan(0)
        expect(engine.isUnreadable(result), result.stderr).toBe(true)
      }
    },
  )

  test('that is not there at all is not called unreadable', async () => {
    await using child = await aChild({ ...archive, repository: { type: 'posix', path: '/nowhere' } })
    const server = engineServer(child)
    const result = await child.run(engine.restoreTask(server, parent.serverId, '20260101-000000F'))
    expect(result.exitCode).toBeGreaterThan(0)
    expect(engine.isUnreadable(result)).toBe(false)
  })

  test('keeps its passphrase out of everything that is printed and of every argument', async () => {
    const result = await succeed(parent, engine.backupTask(engineServer(parent), 'incremental'))
    const commands = [
      engine.archiveCommand(engineServer(parent)),
      ...engine.backupTask(engineServer(parent), 'full').argv,
    ]
    for (const text of [result.stdout, result.stderr, await parent.log(), ...commands]) {
      for (const secret of [archive.cipherPass, ...place.secrets]) expect(text).not.toContain(secret)
    }
  })
})

describe('a restore', () => {
  async function fetched(child: BareServer) {
    const [full] = await listBackups()
    if (full === undefined) throw new Error('there is no backup')
    const task = engine.restoreTask(engineServer(child), parent.serverId, full.label)
    return { full, task, ...(await succeed(child, task)) }
  }

  async function replay(child: BareServer, targetTime: Moment | null) {
    const restoreCommand = engine.restoreCommand(engineServer(child), parent.serverId, { fetchesAhead: true })
    const target = targetTime === null ? null : { time: targetTime }
    const recovery = recoverySettings({ restoreCommand, timeline: 1, target, inclusive: true })
    await succeed(child, { argv: ['touch', join(child.paths.dataDirectory, 'recovery.signal')] })
    await child.launch(postgresqlConf({ settings: {}, archiveCommand: '' }) + recovery)
    let state = readRecoveryLog('')
    await until(async () => {
      state = readRecoveryLog(await child.log().catch(() => ''))
      return state.ready || state.failure !== null
    })
    return state
  }

  test('brings back the moment before a mistake, and its log says what was reached', async () => {
    await query(parent, 'CREATE TABLE public.t AS SELECT 1 AS i')
    const before = await clock()
    await query(parent, 'DROP TABLE public.t')
    const anchor = await archiveUpTo(await clock())
    await using child = await aChild()
    const { full } = await fetched(child)
    const state = await replay(child, before)
    expect(state).toMatchObject({ newTimeline: 2, failure: null, damage: null, stopped: { side: 'before' } })
    expect(state.stopped && 'at' in state.stopped && state.stopped.at > before).toBe(true)
    expect(state.lastCompletedTransactionAt && state.lastCompletedTransactionAt <= before).toBe(true)
    expect(state.lastRestoredSegment && state.lastRestoredSegment <= anchor.segment).toBe(true)
    expect(state.restoredSegments).toBeGreaterThan(0)
    expect(await query(child, 'SELECT i FROM public.t')).toEqual([{ i: 1 }])
    const history = await readFile(join(child.paths.dataDirectory, 'pg_wal', '00000002.history'), 'utf8')
    expect(parseHistory(history)).toMatchObject([{ timeline: 1, switchLsn: state.redoDoneAt }])
    const { stdout } = await succeed(
      child,
      controlDataCommand(child.program('pg_controldata'), child.paths.dataDirectory),
    )
    expect(parseControlData(stdout)).toMatchObject({ walLevel: 'replica', maxConnections: 100 })
    expect(full.timeline).toBe(1)
  })

  test('of a moment that no commit follows ends early', async () => {
    await archiveUpTo(await clock())
    await using child = await aChild()
    await fetched(child)
    const state = await replay(child, '2999-01-01T00:00:00.000000Z')
    expect(state.failure?.kind).toBe('ended-early')
    expect(state.ready).toBe(false)
  })

  test('without a target replays to the end of WAL', async () => {
    const anchor = await archiveUpTo(await clock())
    await using child = await aChild()
    await fetched(child)
    const state = await replay(child, null)
    expect(state).toMatchObject({ ready: true, stopped: null, newTimeline: 2, failure: null })
    expect(state.lastCompletedTransactionAt).toBe(anchor.committedAt)
  })

  test('leaves no setting of the parent behind and reports its progress', async () => {
    await query(parent, "ALTER SYSTEM SET work_mem = '5MB'")
    await using child = await aChild()
    const { full, stdout, stderr } = await fetched(child)
    const autoConf = await readFile(join(child.paths.dataDirectory, 'postgresql.auto.conf'), 'utf8')
    expect(autoConf).not.toMatch(/restore_command|recovery_target/)
    const report = { state: 'running' as const, exitCode: null, stderrTail: stderr }
    const half = stdout.slice(0, stdout.length / 2)
    const progress = engine.progressOf('restore', { ...report, stdoutTail: half }, full.sizeBytes)
    expect(progress.percent).toBeGreaterThan(0)
    expect(progress.percent).toBeLessThan(100)
    expect(progress.bytesDone).toBeGreaterThan(0)
  })

  test('that was interrupted goes on when it is repeated', async () => {
    await using child = await aChild()
    const { task } = await fetched(child)
    // pg_control is written last, so a directory without it is one whose restore did not end.
    await succeed(child, { argv: ['rm', join(child.paths.dataDirectory, 'global/pg_control')] })
    const { stdout } = await succeed(child, task)
    expect(stdout).toMatch(/exists and matches backup/)
    expect(await readFile(join(child.paths.dataDirectory, 'global/pg_control'))).not.toHaveLength(0)
  })
})

test('an archive whose making was interrupted is known by the failure to make it', async () => {
  const server = await bareServer()
  onTestFinished(() => server[Symbol.asyncDispose]())
  const { repository, remove } = await placeOf(server)
  const own = { serverId: server.serverId, repository, cipherPass: 'passphrase' }
  await configure(server, 'own', own)
  await server.initialise()
  await server.start(postgresqlConf({ settings: {}, archiveCommand: '' }))
  const create = engine.createArchive(engineServer(server))
  expect(engine.isHalfMade(await succeed(server, create))).toBe(false)
  await remove('backup/')
  expect(engine.isHalfMade(await server.run(create))).toBe(true)
  await remove('')
  await succeed(server, create)
})
