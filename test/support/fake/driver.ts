import { Problem } from '../../../src/domain/problem.ts'
import type { CommandResult, ServerDriver, TaskReport } from '../../../src/drivers/driver.ts'
import type { ArchiveStore, StoredFile } from '../../../src/storage/archive-store.ts'
import { DAMAGED } from './engine.ts'
import { type Life, perform } from './life.ts'
import { startFakePostgres } from './postgres-server.ts'
import { commandOf, runCommand, startedTask } from './programs.ts'
import { BACKUP_STOPPED_AT, type FakeServer, type FakeWorld, serverOf, springAmbush } from './world.ts'

const pathsOf = (serverId: string) => ({
  dataDirectory: `/fake/${serverId}/data`,
  configDirectory: `/fake/${serverId}/config`,
  socketDirectory: `/fake/${serverId}/socket`,
  logFile: `/fake/${serverId}/log`,
  lockDirectory: `/fake/${serverId}/lock`,
  spoolDirectory: `/fake/${serverId}/spool`,
  backupLogDirectory: `/fake/${serverId}/backup-log`,
})

/** A driver over maps. The caller dies where its life says so; what it has done by then stays. */
export function fakeDriver(world: FakeWorld, life: Life): ServerDriver {
  const call = <Result>(name: string, effect: () => Result | Promise<Result>) =>
    perform(life, name, async () => {
      const result = await effect()
      await springAmbush(world, name)
      return result
    })

  return {
    kind: 'local',
    paths: pathsOf,
    program: (_version, name) => name,
    postgresVersions: () => [15],

    ensureInstance: (serverId) => call('ensureInstance', () => ensureServer(world, serverId)),
    writeConfig: (serverId, files) => call('writeConfig', () => writeFiles(serverOf(world, serverId), files)),
    readConfig: async (serverId, name) => world.servers.get(serverId)?.config[name] ?? null,
    destroyInstance: (serverId) => call('destroyInstance', () => void world.servers.delete(serverId)),
    diskSpace: async () => world.disk,
    listInstances: () => call('listInstances', () => [...world.servers.keys()]),

    startPostgres: (serverId, _version, { port }) =>
      call('startPostgres', () => startFakePostgres(world, serverOf(world, serverId), port)),
    stopPostgres: (serverId) => call('stopPostgres', () => stop(world.servers.get(serverId))),
    postgresState: (serverId) => call('postgresState', () => stateOf(world.servers.get(serverId))),
    reloadPostgres: (serverId) => call('reloadPostgres', () => void serverOf(world, serverId)),
    readLog: (serverId, fromByte) =>
      call('readLog', () => {
        const { log } = serverOf(world, serverId)
        return { text: log.slice(fromByte), nextByte: log.length }
      }),

    run: (serverId, { argv }) =>
      call(`run ${nameOf(argv)}`, (): CommandResult => {
        const stdout = runCommand(world, serverId, argv)
        return { exitCode: stdout === null ? 1 : 0, stdout: stdout ?? '', stderr: '' }
      }),

    startTask: (serverId, name, { argv }) =>
      call(`startTask ${nameOf(argv)}`, () => startedTask(world, serverId, name, argv)),
    checkTask: (serverId, name) =>
      call('checkTask', () => reportOn(world, world.servers.get(serverId), name)),
    taskEnded: async () => {},
    clearTask: (serverId, name) =>
      call('clearTask', () => void world.servers.get(serverId)?.tasks.delete(name)),
  }
}

export function fakeArchives(world: FakeWorld, life: Life): ArchiveStore {
  return {
    kind: 'local',
    repositoryOf: ({ tenantId, serverId }) => ({
      type: 'posix',
      path: `/fake/archives/${tenantId}/${serverId}`,
    }),
    async *files({ serverId }, { below = '', after = '' } = {}) {
      assertAnswers(world)
      for (const file of filesOf(world, serverId)) {
        if (file.path.startsWith(below) && file.path > after) yield file
      }
    },
    check: async () => assertAnswers(world),
    checkKeys: async () => [],
    ensure: (_tenantId, serverId) =>
      perform(life, 'archives.ensure', async () => {
        if (!world.archives.has(serverId))
          world.archives.set(serverId, { hasStanza: false, backups: [], segments: [], points: [] })
        await springAmbush(world, 'archives.ensure')
      }),
    destroy: (_tenantId, serverId) =>
      perform(life, 'archives.destroy', () => {
        assertAnswers(world)
        world.archives.delete(serverId)
      }),
    list: () =>
      perform(life, 'archives.list', () =>
        [...world.archives.keys()].map((serverId) => ({ tenantId: '', serverId })),
      ),
  }
}

/** `store` among what fails: it is away. */
function assertAnswers({ failing }: FakeWorld): void {
  if (failing.has('store')) throw new Problem('archive-unreachable')
}

/** What a command does: its program, or for the engine's and the shell's the word after it. */
const nameOf = (argv: readonly string[]) => {
  const { program, verb } = commandOf(argv)
  return program === 'engine' ? verb : program
}

/** One file for each segment, named as pgBackRest does. */
function filesOf({ archives }: FakeWorld, serverId: string): StoredFile[] {
  const segments = [...new Set(archives.get(serverId)?.segments)].sort()
  return segments.map((segment) => ({
    path: `archive/${serverId}/15-1/${segment.slice(0, 16)}/${segment}-${'0'.repeat(40)}.lz4`,
    sizeBytes: 1000,
    modifiedAt: BACKUP_STOPPED_AT,
  }))
}

function ensureServer(world: FakeWorld, serverId: string): void {
  if (world.servers.has(serverId)) return
  world.servers.set(serverId, {
    config: {},
    data: null,
    hasControlFile: false,
    port: null,
    log: '',
    tasks: new Map(),
    tasksStarted: [],
  })
}

function writeFiles({ config }: FakeServer, files: Readonly<Record<string, string | null>>): void {
  for (const [name, text] of Object.entries(files)) {
    if (text === null) delete config[name]
    else config[name] = text
  }
}

function stop(server: FakeServer | undefined): void {
  if (server !== undefined) server.port = null
}

function stateOf(server: FakeServer | undefined) {
  if (server === undefined || server.data === null) return 'no-data'
  return server.port === null ? 'stopped' : 'running'
}

/** A task is seen running once, and has ended by the next time. */
function reportOn({ failing, damaged }: FakeWorld, server: FakeServer | undefined, name: string): TaskReport {
  const task = server?.tasks.get(name)
  const output = { stdoutTail: '', stderrTail: '' }
  if (task === undefined) return { state: 'not-started', exitCode: null, ...output }
  task.checks += 1
  if (task.checks === 1) return { state: 'running', exitCode: null, ...output }
  if (task.argv.some((word) => damaged.has(word))) return { state: 'failed', exitCode: DAMAGED, ...output }
  return failing.has(nameOf(task.argv))
    ? { state: 'failed', exitCode: 1, ...output }
    : { state: 'succeeded', exitCode: 0, ...output, stdoutTail: JSON.stringify([...damaged]) }
}
