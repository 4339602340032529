import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { newId } from '../../../src/domain/ids.ts'
import type { ServerDriver } from '../../../src/drivers/driver.ts'
import { assertReachable } from '../../../src/drivers/local/assert-reachable.ts'
import { localDriver } from '../../../src/drivers/local/local-driver.ts'
import { findPostgresBinaries } from '../../../src/drivers/local/postgres-binaries.ts'
import { chooseRunDirectory } from '../../../src/drivers/local/run-directory.ts'
import { findOsUser, type OsUser, runAs, spawnAs } from '../../../src/lib/os-user.ts'
import { ensureDirectory, ours } from '../../../src/lib/owned-directory.ts'
import { commandAndEnvironment, readProcess } from '../../../src/lib/process-table.ts'
import { localRepository } from '../../../src/storage/local-repository.ts'
import { until } from '../../support/until.ts'
import { describeServerDriver } from './contract.ts'

const isRoot = process.getuid?.() === 0

/** An empty data directory that the OS user can pass through. */
async function makeGround() {
  const dataDirectory = await mkdtemp('/tmp/undrop-driver-')
  await chmod(dataDirectory, 0o711)
  const osUser = await findOsUser('postgres')
  const options = {
    dataDirectory,
    runDirectory: await chooseRunDirectory(dataDirectory),
    osUser,
    binDirectories: await findPostgresBinaries(),
  }
  const driver = localDriver(options)
  async function dispose() {
    for (const serverId of await driver.listInstances()) await driver.destroyInstance(serverId)
    await rm(dataDirectory, { recursive: true })
  }
  return { ...options, driver, another: () => localDriver(options), dispose }
}

describeServerDriver('local driver', makeGround)

describe('what is peculiar to the local driver', () => {
  let ground: Awaited<ReturnType<typeof makeGround>>
  let driver: ServerDriver
  let osUser: OsUser
  beforeAll(async () => {
    ground = await makeGround()
    ;({ driver, osUser } = ground)
  })
  afterAll(() => ground.dispose())

  async function aServer() {
    const serverId = newId('server')
    await driver.ensureInstance(serverId)
    onTestFinished(() => driver.destroyInstance(serverId))
    return { serverId, paths: driver.paths(serverId) }
  }

  /** A directory with a file that the OS user may look at but that is not its own. */
  async function aVictim(name: string) {
    const directory = await mkdtemp('/tmp/undrop-victim-')
    await chmod(directory, 0o755)
    await writeFile(join(directory, name), 'precious\n', { mode: 0o644 })
    onTestFinished(() => rm(directory, { recursive: true }))
    return { directory, read: () => readFile(join(directory, name), 'utf8') }
  }

  const asOsUser = async (...argv: [string, ...string[]]) => {
    const { exitCode, stderr } = await runAs(osUser, argv)
    expect(exitCode, stderr).toBe(0)
  }

  test('a draft of a configuration that a killed writer left goes with the next write, that of a living one stays', async () => {
    const { serverId, paths } = await aServer()
    const { pid } = spawnSync('true')
    const [abandoned, current] = [`.pgbackrest.conf.${pid}`, `.pgbackrest.conf.${process.ppid}`]
    for (const name of [abandoned, current]) await writeFile(join(paths.configDirectory, name), 'secret')
    await driver.writeConfig(serverId, { 'pgbackrest.conf': 'whole' })
    expect((await readdir(paths.configDirectory)).sort()).toEqual([current, 'pgbackrest.conf'])
  })

  // Without root's rights everything belongs to one user.
  test.runIf(isRoot)('a command runs as the OS user, who cannot change its own configuration', async () => {
    const { serverId, paths } = await aServer()
    await driver.writeConfig(serverId, { 'pg_hba.conf': 'local all all peer\n' })
    expect((await driver.run(serverId, { argv: ['id', '-u'] })).stdout).toBe(`${osUser.uid}\n`)
    const attempts = ['echo x >pg_hba.conf', 'rm -f pg_hba.conf', 'touch new', 'mv ../conf ../other'] as const
    for (const attempt of attempts) {
      const { configDirectory } = paths
      const { exitCode } = await driver.run(serverId, {
        argv: ['sh', '-c', `cd ${configDirectory} && ${attempt}`],
      })
      expect(exitCode, attempt).not.toBe(0)
    }
    expect(await readFile(join(paths.configDirectory, 'pg_hba.conf'), 'utf8')).toBe('local all all peer\n')
  })

  test('a link in place of the data directory leads nobody to where it points', async () => {
    const { serverId, paths } = await aServer()
    const victim = await aVictim('PG_VERSION')
    await asOsUser('rmdir', paths.dataDirectory)
    await asOsUser('ln', '-s', victim.directory, paths.dataDirectory)
    expect(await driver.postgresState(serverId)).toBe('no-data')
    await driver.destroyInstance(serverId)
    expect(await victim.read()).toBe('precious\n')
    expect(await driver.listInstances()).not.toContain(serverId)
  })

  test('links below the data directory are removed as links', async () => {
    const { serverId, paths } = await aServer()
    const victim = await aVictim('table')
    await asOsUser('ln', '-s', victim.directory, join(paths.dataDirectory, 'pg_tblspc'))
    await driver.destroyInstance(serverId)
    expect(await victim.read()).toBe('precious\n')
  })

  test('a link in place of the log, to a file or to its directory, is not read', async () => {
    const { serverId, paths } = await aServer()
    const victim = await aVictim('postgresql.log')
    await asOsUser('ln', '-s', join(victim.directory, 'postgresql.log'), paths.logFile)
    expect((await driver.readLog(serverId, 0)).text).toBe('')
    await asOsUser('rm', '-r', join(paths.logFile, '..'))
    await asOsUser('ln', '-s', victim.directory, join(paths.logFile, '..'))
    expect((await driver.readLog(serverId, 0)).text).toBe('')
  })

  test('a link in place of a task is neither read nor followed when it is cleared', async () => {
    const { serverId, paths } = await aServer()
    const victim = await aVictim('process')
    await asOsUser('ln', '-s', victim.directory, join(paths.dataDirectory, '../tasks/backup'))
    expect((await driver.checkTask(serverId, 'backup')).state).toBe('not-started')
    await driver.clearTask(serverId, 'backup')
    expect(await victim.read()).toBe('precious\n')
    await driver.startTask(serverId, 'backup', { argv: ['true'] })
    await until(async () => (await driver.checkTask(serverId, 'backup')).state === 'succeeded')
  })

  test('a pipe in place of the log keeps nobody waiting', async () => {
    const { serverId, paths } = await aServer()
    await asOsUser('mkfifo', paths.logFile)
    expect((await driver.readLog(serverId, 0)).text).toBe('')
  })

  test.runIf(isRoot)('a lock file that names a foreign process does no harm to it', async () => {
    const { serverId, paths } = await aServer()
    const bystander = spawn('sleep', ['300'])
    onTestFinished(() => void bystander.kill())
    const script = 'echo 15 >"$1/PG_VERSION"; echo "$2" >"$1/postmaster.pid"'
    await asOsUser('sh', '-c', script, 'sh', paths.dataDirectory, String(bystander.pid))
    expect(await driver.postgresState(serverId)).toBe('stopped')
    await driver.stopPostgres(serverId, 'immediate')
    await driver.destroyInstance(serverId)
    expect(await readProcess(bystander.pid ?? 0)).not.toBeNull()
  })

  test.runIf(isRoot)('a directory made by somebody else in place of ours is refused', async () => {
    const path = join(ground.dataDirectory, 'taken')
    await symlink('/tmp', path)
    await expect(ensureDirectory(path, ours(0o711))).rejects.toThrow(path)
    await rm(path)
    await mkdir(path)
    await ensureDirectory(path, { uid: osUser.uid, gid: osUser.gid, mode: 0o700 })
    await expect(ensureDirectory(path, ours(0o711))).rejects.toThrow(path)
  })

  test('a task outlives the process that started it, killed or not', async () => {
    const { serverId, paths } = await aServer()
    const script = `until [ -e ${paths.dataDirectory}/go ]; do sleep 0.01; done; echo done`
    const file = join(import.meta.dirname, '../../support/start-task.ts')
    const starter = spawn(process.execPath, [file], { stdio: ['pipe', 'pipe', 'inherit'] })
    const { dataDirectory, runDirectory } = ground
    const options = { dataDirectory, runDirectory, osUser }
    starter.stdin.end(JSON.stringify({ options, serverId, name: 'long', argv: ['sh', '-c', script] }))
    await once(starter.stdout, 'data')
    starter.kill('SIGKILL')
    await once(starter, 'exit')
    expect((await driver.checkTask(serverId, 'long')).state).toBe('running')
    await driver.run(serverId, { argv: ['touch', `${paths.dataDirectory}/go`] })
    await until(async () => (await driver.checkTask(serverId, 'long')).state === 'succeeded')
    expect((await driver.checkTask(serverId, 'long')).stdoutTail).toBe('done\n')
  })

  test('destroying a server ends processes that left its session, by command line, directory or environment', async () => {
    const { serverId, paths } = await aServer()
    const root = join(paths.configDirectory, '..')
    const stubborn = ['sh', '-c', 'trap "" TERM; while :; do sleep 1; done'] as const
    const strays = [
      await spawnAs(osUser, ['tail', '-F', join(root, 'var/nothing')]),
      await spawnAs(osUser, ['sleep', '300'], { cwd: paths.dataDirectory.replace(/\/data$/, '') }),
      await spawnAs(osUser, ['sleep', '300'], { env: { PGDATA: paths.dataDirectory } }),
      await spawnAs(osUser, [...stubborn, root]),
    ]
    const neighbour = await spawnAs(osUser, ['sleep', '300'], { env: { PGDATA: `${root}2/var/data` } })
    onTestFinished(() => void process.kill(neighbour.pid ?? 0))
    // They have become what they are to be once the shell that set their umask has gone.
    const isReady = async (pid = 0) => !(await commandAndEnvironment(pid)).includes('umask')
    await Promise.all(strays.map(({ pid }) => until(() => isReady(pid))))
    await driver.destroyInstance(serverId)
    const left = await Promise.all(strays.map(({ pid }) => readProcess(pid ?? 0)))
    expect(left).toEqual([null, null, null, null])
    expect(await readProcess(neighbour.pid ?? 0)).not.toBeNull()
  })

  test('a half-made server is destroyed, and made whole by making it again', async () => {
    for (const made of [['conf'], ['conf', 'var']]) {
      const serverId = newId('server')
      const root = join(ground.dataDirectory, 'servers', serverId)
      for (const name of made) await mkdir(join(root, name), { recursive: true, mode: 0o700 })
      await driver.ensureInstance(serverId)
      expect((await driver.run(serverId, { argv: ['touch', 'file'] })).exitCode).toBe(0)
      await driver.destroyInstance(serverId)
      for (const name of made) await mkdir(join(root, name), { recursive: true, mode: 0o700 })
      await driver.destroyInstance(serverId)
      expect(await driver.listInstances()).not.toContain(serverId)
    }
  })

  test("archives are the OS user's, each by itself, and gone when destroyed", async () => {
    const archives = localRepository(ground)
    await archives.ensure('tnt_1', 'srv_1')
    await archives.ensure('tnt_1', 'srv_1')
    await archives.ensure('tnt_1', 'srv_2')
    const repository = archives.repositoryOf({ tenantId: 'tnt_1', serverId: 'srv_1' }, 'write', null)
    const { path } = repository
    expect(await stat(path)).toMatchObject({ uid: osUser.uid, gid: osUser.gid, mode: 0o40700 })
    const victim = await aVictim('segment')
    await asOsUser('ln', '-s', victim.directory, join(path, 'link'))
    await archives.destroy('tnt_1', 'srv_1')
    await archives.destroy('tnt_1', 'srv_1')
    expect(await archives.list()).toEqual([{ tenantId: 'tnt_1', serverId: 'srv_2' }])
    expect(await victim.read()).toBe('precious\n')
    await archives.destroy('tnt_1', 'srv_2')
  })

  test('a data directory that the OS user cannot reach is refused with the path named', async () => {
    const closed = await mkdtemp('/tmp/undrop-closed-')
    onTestFinished(() => rm(closed, { recursive: true }))
    await chmod(closed, 0o600)
    const wanted = join(closed, 'undrop/data')
    await expect(assertReachable(wanted, osUser)).rejects.toThrow(
      `cannot reach ${wanted}: it may not enter ${closed}`,
    )
    await chmod(closed, 0o711)
    await assertReachable(wanted, osUser)
  })

  test("sockets move to a short path when the data directory's is too long for them", async () => {
    const deep = join(ground.dataDirectory, 'x'.repeat(40))
    await mkdir(deep)
    expect(await chooseRunDirectory(ground.dataDirectory)).toBe(join(ground.dataDirectory, 'run'))
    const short = await chooseRunDirectory(deep)
    onTestFinished(() => rm(short, { recursive: true }))
    expect(await chooseRunDirectory(deep)).toBe(short)
    expect(Buffer.byteLength(join(short, newId('server'), '.s.PGSQL.65535'))).toBeLessThanOrEqual(107)
    expect(await stat(short)).toMatchObject({ uid: process.getuid?.(), mode: isRoot ? 0o40711 : 0o40700 })
  })
})
