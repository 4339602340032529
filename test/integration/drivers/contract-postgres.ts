import { expect, onTestFinished, test } from 'vitest'
import { newId } from '../../../src/domain/ids.ts'
import { PortTakenError } from '../../../src/drivers/driver.ts'
import { freePort, listenOn } from '../../support/ports.ts'
import { until } from '../../support/until.ts'
import type { Subject } from './subject.ts'

const config = {
  'postgresql.conf': 'fsync = off\n',
  'pg_hba.conf': 'local all all trust\n',
  'pg_ident.conf': '',
}
const listen = (port: number) => ({ port, listenAddresses: '127.0.0.1' })

/** A server's PostgreSQL process, from start to stop, against real data directories. */
export function postgresServes(subject: Subject): void {
  test('a started one answers on its socket and its port, and starting it again changes nothing', async () => {
    const { driver, another, version, serverId } = subject
    await makeData(subject)
    expect(await driver.postgresState(serverId)).toBe('stopped')
    const port = await freePort()
    await driver.startPostgres(serverId, version, listen(port))
    expect(await driver.postgresState(serverId)).toBe('running')
    await answers(subject, port)
    const started = 'select pg_postmaster_start_time()'
    const first = await query(subject, port, started)
    await another().startPostgres(serverId, version, listen(port))
    expect(await query(subject, port, started)).toEqual(first)
  })

  test.for(['fast', 'immediate'] as const)(
    'one that is stopped (%s) is gone, and can be started again',
    async (mode) => {
      const { driver, version, serverId } = subject
      await makeData(subject)
      const port = await freePort()
      await driver.startPostgres(serverId, version, listen(port))
      await answers(subject, port)
      await driver.stopPostgres(serverId, mode)
      expect(await driver.postgresState(serverId)).toBe('stopped')
      await driver.stopPostgres(serverId, mode)
      await driver.startPostgres(serverId, version, listen(port))
      await answers(subject, port)
    },
  )

  test('a restored postgresql.auto.conf overrides neither port nor addresses nor hba file', async () => {
    const { driver, version, serverId } = subject
    await makeData(subject)
    const { dataDirectory, configDirectory, socketDirectory } = driver.paths(serverId)
    const other = await freePort()
    const auto = `port = ${other}\nlisten_addresses = '*'\nhba_file = '/nowhere'\nunix_socket_directories = '/tmp'\n`
    await driver.run(serverId, { argv: ['tee', `${dataDirectory}/postgresql.auto.conf`], stdin: auto })
    const port = await freePort()
    await driver.startPostgres(serverId, version, listen(port))
    await answers(subject, port)
    const show = 'show listen_addresses; show hba_file; show unix_socket_directories'
    const expected = `127.0.0.1\n${configDirectory}/pg_hba.conf\n${socketDirectory}\n`
    expect((await query(subject, port, show)).stdout).toBe(expected)
  })

  test('a running one takes over its configuration when told to', async () => {
    const { driver, version, serverId } = subject
    await makeData(subject)
    const port = await freePort()
    await driver.startPostgres(serverId, version, listen(port))
    await answers(subject, port)
    await driver.writeConfig(serverId, { 'postgresql.conf': 'work_mem = 7MB\n' })
    await driver.reloadPostgres(serverId)
    await until(async () => (await query(subject, port, 'show work_mem')).stdout === '7MB\n')
  })

  test('one that cannot start has stopped, and the log says why', async () => {
    const { driver, version, serverId } = subject
    await makeData(subject)
    await driver.writeConfig(serverId, { 'postgresql.conf': 'no_such_setting = 1\n' })
    await driver.startPostgres(serverId, version, listen(await freePort()))
    expect(await driver.postgresState(serverId)).toBe('stopped')
    expect((await driver.readLog(serverId, 0)).text).toContain('no_such_setting')
  })

  test('a port of somebody else is refused as such, and nothing runs', async () => {
    const { driver, version, serverId } = subject
    await makeData(subject)
    const { port } = await listenOn('127.0.0.1')
    await expect(driver.startPostgres(serverId, version, listen(port))).rejects.toThrow(PortTakenError)
    expect(await driver.postgresState(serverId)).toBe('stopped')
  })

  test('one that was killed can be started, though its lock file names a process that lives', async () => {
    const { driver, version, serverId, succeed } = subject
    await makeData(subject)
    const port = await freePort()
    await driver.startPostgres(serverId, version, listen(port))
    await answers(subject, port)
    const lockFile = `${driver.paths(serverId).dataDirectory}/postmaster.pid`
    await succeed(serverId, 'sh', '-c', 'kill -KILL "$(head -n 1 "$1")"', 'sh', lockFile)
    await until(async () => (await driver.postgresState(serverId)) === 'stopped')
    await driver.startTask(serverId, 'bystander', { argv: ['sh', '-c', 'ps -o sid= -p $$; sleep 300'] })
    await until(async () => (await driver.checkTask(serverId, 'bystander')).stdoutTail.endsWith('\n'))
    const bystander = (await driver.checkTask(serverId, 'bystander')).stdoutTail.trim()
    await succeed(serverId, 'sed', '-i', `1s/.*/${bystander}/`, lockFile)
    expect(await driver.postgresState(serverId)).toBe('stopped')
    await driver.stopPostgres(serverId, 'immediate')
    await driver.startPostgres(serverId, version, listen(port))
    await answers(subject, port)
    expect((await driver.checkTask(serverId, 'bystander')).state).toBe('running')
  })

  test('its log is read on from where the last read ended, in whole lines, and anew when it shrank', async () => {
    const { driver, serverId, succeed } = subject
    expect(await driver.readLog(serverId, 0)).toEqual({ text: '', nextByte: 0 })
    const { logFile } = driver.paths(serverId)
    const print = (text: string) => succeed(serverId, 'sh', '-c', `printf '${text}' >>${logFile}`)
    await print('one\\nté')
    expect(await driver.readLog(serverId, 0)).toEqual({ text: 'one\n', nextByte: 4 })
    await print('wo\\n')
    expect(await driver.readLog(serverId, 4)).toEqual({ text: 'téwo\n', nextByte: 10 })
    expect(await driver.readLog(serverId, 10)).toEqual({ text: '', nextByte: 10 })
    await succeed(serverId, 'sh', '-c', `echo new >${logFile}`)
    expect(await driver.readLog(serverId, 10)).toEqual({ text: 'new\n', nextByte: 4 })
  })

  test('destroying a server ends its postgres and its tasks and leaves other servers alone', async () => {
    const { driver, version, serverId } = subject
    const neighbour = newId('server')
    await driver.ensureInstance(neighbour)
    onTestFinished(() => driver.destroyInstance(neighbour))
    await makeData(subject)
    const port = await freePort()
    await driver.startPostgres(serverId, version, listen(port))
    await answers(subject, port)
    const sleeper = { argv: ['sleep', '300'] as const }
    await driver.startTask(serverId, 'sleeper', sleeper)
    await driver.startTask(neighbour, 'sleeper', sleeper)
    await driver.destroyInstance(serverId)
    expect(await driver.listInstances()).not.toContain(serverId)
    expect((await driver.checkTask(neighbour, 'sleeper')).state).toBe('running')
    await listenOn('127.0.0.1', port)
  })
}

/** Gives the server a fresh data directory: a copy, as initdb takes long. */
async function makeData({ driver, serverId, template, succeed }: Subject): Promise<void> {
  await driver.writeConfig(serverId, config)
  const { dataDirectory } = driver.paths(serverId)
  await succeed(serverId, 'cp', '-a', `${driver.paths(template).dataDirectory}/.`, dataDirectory)
}

function query({ driver, serverId }: Subject, port: number, sql: string) {
  const { socketDirectory } = driver.paths(serverId)
  const argv = [
    'psql',
    '-XAtq',
    '-h',
    socketDirectory,
    '-p',
    String(port),
    '-U',
    'admin',
    'postgres',
  ] as const
  return driver.run(serverId, { argv, stdin: sql })
}

function answers(subject: Subject, port: number) {
  return until(async () => (await query(subject, port, 'select 1')).stdout === '1\n')
}
