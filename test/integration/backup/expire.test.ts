import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ArchiveAccess, EngineServer } from '../../../src/backup/engine.ts'
import { pgbackrestEngine } from '../../../src/backup/pgbackrest/engine.ts'
import { findGaps } from '../../../src/domain/wal-segment.ts'
import type { CommandResult, CommandSpec } from '../../../src/drivers/driver.ts'
import { archiverState, commitMarkerAfter, isArchived, serverClock } from '../../../src/postgres/anchor.ts'
import { readRecoveryLog } from '../../../src/postgres/recovery-log.ts'
import { postgresqlConf, recoverySettings } from '../../../src/postgres/settings.ts'
import { type BareServer, bareServer } from '../../support/bare-server.ts'
import { until } from '../../support/until.ts'
import { listSegmentsOf } from './list-segments.ts'

const engine = pgbackrestEngine({ program: 'pgbackrest', processMax: 2 })

/** In the order in which they are taken. */
const TAKEN = ['full', 'differential', 'full', 'differential', 'incremental', 'full'] as const

let parent: BareServer
let archive: ArchiveAccess
beforeAll(async () => {
  parent = await bareServer()
  const path = join(parent.paths.spoolDirectory, 'repository')
  archive = { serverId: parent.serverId, repository: { type: 'posix', path }, cipherPass: 'passphrase' }
  await configure(parent, 'own')
  await parent.initialise()
  await parent.start(postgresqlConf({ settings: {}, archiveCommand: engine.archiveCommand(self(parent)) }))
  await succeed(parent, engine.createArchive(self(parent)))
  await query(parent, 'CREATE TABLE public.t AS SELECT 0 AS i')
  for (const [index, type] of TAKEN.entries()) {
    await query(parent, `UPDATE public.t SET i = ${index}`)
    await archiveWal()
    await succeed(parent, engine.backupTask(self(parent), type))
  }
  await query(parent, 'UPDATE public.t SET i = 100')
  await archiveWal()
})
afterAll(() => parent[Symbol.asyncDispose]())

const self = ({ serverId, postgresVersion, port, paths }: BareServer): EngineServer => ({
  ...{ serverId, postgresVersion, port, paths },
})

async function configure(server: BareServer, which: 'own' | 'source'): Promise<void> {
  const files = engine.configFiles(which, self(server), archive)
  for (const [name, text] of Object.entries(files)) await server.writeConfig(name, text)
}

async function succeed(server: BareServer, command: CommandSpec): Promise<CommandResult> {
  const result = await server.run(command)
  expect(result, result.stdout + result.stderr).toMatchObject({ exitCode: 0 })
  return result
}

const query = async (server: BareServer, text: string) =>
  (await server.openAdmin('postgres', (client) => client.query(text))).rows

const archiveWal = () =>
  parent.openAdmin('postgres', async (client) => {
    const anchor = await commitMarkerAfter(client, await serverClock(client))
    await until(async () => isArchived(await archiverState(client), anchor.segment))
  })

const backups = async () =>
  engine.parseBackups(
    (await succeed(parent, engine.listBackups(self(parent), 'own', parent.serverId))).stdout,
  )
const segments = () => listSegmentsOf(parent)
const files = async (below: string) => {
  const { stdout } = await succeed(parent, {
    argv: ['find', join(parent.paths.spoolDirectory, 'repository', below), '-type', 'f', '-printf', '%P\n'],
  })
  return stdout.split('\n').filter((path) => path !== '')
}

test('expiry keeps the newest full backups, what builds upon them and their WAL, and removes the rest', async () => {
  const before = await backups()
  expect(before.map(({ type }) => type)).toEqual(TAKEN)
  const [first, differential, second] = before
  expect(differential?.referenceLabels).toEqual([first?.label])
  expect(before[4]?.referenceLabels).toEqual(expect.arrayContaining([second?.label, before[3]?.label]))

  await succeed(parent, engine.expireTask(self(parent), 2))

  const after = await backups()
  expect(after).toEqual(before.slice(2))
  const left = await segments()
  expect(left[0]).toBe(second?.startSegment)
  expect(findGaps(left, second?.startSegment ?? '')).toEqual([])
  const stored = await files(`backup/${parent.serverId}`)
  for (const gone of [first, differential])
    expect(stored.filter((path) => path.includes(gone?.label ?? 'no label'))).toEqual([])
})

test('expiry that is repeated, or keeps more than there is, removes nothing', async () => {
  const [listed, wal] = [await backups(), await segments()]
  for (const keep of [2, 9]) await succeed(parent, engine.expireTask(self(parent), keep))
  expect(await backups()).toEqual(listed)
  expect(await segments()).toEqual(wal)
})

test('expiry that was interrupted goes on when it is repeated', async () => {
  const [oldest] = await backups()
  // A manifest is removed before the rest of its backup, so this is how far an interrupted one may have come.
  const directory = join(
    parent.paths.spoolDirectory,
    'repository/backup',
    parent.serverId,
    oldest?.label ?? '',
  )
  await succeed(parent, { argv: ['sh', '-c', `rm -f ${directory}/backup.manifest*`] })
  await succeed(parent, engine.expireTask(self(parent), 1))
  const left = await backups()
  expect(left.map(({ type }) => type)).toEqual(['full'])
  expect((await segments())[0]).toBe(left[0]?.startSegment)
  expect(await files(`backup/${parent.serverId}/${oldest?.label}`).catch(() => [])).toEqual([])
})

test('the oldest backup that is left restores, and its WAL brings it up to now', async () => {
  await using child = await bareServer()
  await configure(child, 'source')
  const [oldest] = await backups()
  await succeed(child, engine.restoreTask(self(child), parent.serverId, oldest?.label ?? ''))
  const restoreCommand = engine.restoreCommand(self(child), parent.serverId, { fetchesAhead: false })
  const recovery = recoverySettings({ restoreCommand, timeline: 1, target: null, inclusive: true })
  await succeed(child, { argv: ['touch', join(child.paths.dataDirectory, 'recovery.signal')] })
  await child.launch(postgresqlConf({ settings: {}, archiveCommand: '' }) + recovery)
  await until(async () => readRecoveryLog(await child.log().catch(() => '')).ready)
  expect(await query(child, 'SELECT i FROM public.t')).toEqual([{ i: 100 }])
})
