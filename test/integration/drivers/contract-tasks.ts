import { expect, test } from 'vitest'
import { until } from '../../support/until.ts'
import type { Subject } from './subject.ts'

/** Tasks that outlive the process that started them. */
export function tasksEnd(subject: Subject): void {
  const shell = (script: string) => ({ argv: ['sh', '-c', script] as const })

  test('one that nobody started is not started', async () => {
    const { driver, serverId } = subject
    expect(await driver.checkTask(serverId, 'backup')).toEqual({
      state: 'not-started',
      exitCode: null,
      stdoutTail: '',
      stderrTail: '',
    })
    await driver.taskEnded(serverId, 'backup')
    await driver.clearTask(serverId, 'backup')
  })

  test('one that succeeds is reported with what it printed, to every process', async () => {
    const { driver, another, serverId } = subject
    await driver.startTask(serverId, 'backup', { ...shell('echo "$A"; echo err >&2'), env: { A: 'out' } })
    await driver.taskEnded(serverId, 'backup')
    const report = { state: 'succeeded', exitCode: 0, stdoutTail: 'out\n', stderrTail: 'err\n' }
    expect(await driver.checkTask(serverId, 'backup')).toEqual(report)
    expect(await another().checkTask(serverId, 'backup')).toEqual(report)
  })

  test('one that fails is reported with its exit status', async () => {
    const { driver, serverId } = subject
    await driver.startTask(serverId, 'backup', shell('exit 32'))
    await driver.taskEnded(serverId, 'backup')
    expect(await driver.checkTask(serverId, 'backup')).toMatchObject({ state: 'failed', exitCode: 32 })
  })

  test('one that runs is running, shows what it printed so far, and is not started a second time', async () => {
    const { driver, another, serverId, succeed } = subject
    const { dataDirectory } = driver.paths(serverId)
    const task = shell(
      `echo begun; echo x >>${dataDirectory}/starts; until [ -e ${dataDirectory}/go ]; do sleep 0.01; done`,
    )
    await driver.startTask(serverId, 'backup', task)
    await driver.startTask(serverId, 'backup', task)
    await another().startTask(serverId, 'backup', task)
    await until(async () => (await driver.checkTask(serverId, 'backup')).stdoutTail === 'begun\n')
    expect(await driver.checkTask(serverId, 'backup')).toMatchObject({ state: 'running', exitCode: null })
    await succeed(serverId, 'touch', `${dataDirectory}/go`)
    await driver.taskEnded(serverId, 'backup')
    expect((await driver.checkTask(serverId, 'backup')).state).toBe('succeeded')
    expect(await succeed(serverId, 'cat', `${dataDirectory}/starts`)).toBe('x\n')
  })

  test('of many starts at once exactly one counts', async () => {
    const { driver, serverId, succeed } = subject
    const { dataDirectory } = driver.paths(serverId)
    const start = () => driver.startTask(serverId, 'once', shell(`echo x >>${dataDirectory}/starts`))
    await Promise.all([start(), start(), start(), start()])
    await until(async () => (await driver.checkTask(serverId, 'once')).state === 'succeeded')
    expect(await succeed(serverId, 'cat', `${dataDirectory}/starts`)).toBe('x\n')
  })

  test('waiting for one that another process started ends at once', async () => {
    const { driver, another, serverId } = subject
    await driver.startTask(serverId, 'long', shell('sleep 300'))
    await another().taskEnded(serverId, 'long')
    expect((await driver.checkTask(serverId, 'long')).state).toBe('running')
  })

  test('a cleared one is ended with all its children, and its name is free again', async () => {
    const { driver, another, serverId } = subject
    await driver.startTask(serverId, 'long', shell('sleep 300 & echo $!; wait'))
    await until(async () => (await driver.checkTask(serverId, 'long')).stdoutTail !== '')
    const child = (await driver.checkTask(serverId, 'long')).stdoutTail.trim()
    await another().clearTask(serverId, 'long')
    // Nothing, or a zombie that the system's init has not fetched yet.
    const { stdout } = await driver.run(serverId, { argv: ['ps', '-o', 'stat=', '-p', child] })
    expect(stdout).toMatch(/^(Z.*\n)?$/)
    expect((await driver.checkTask(serverId, 'long')).state).toBe('not-started')
    await driver.startTask(serverId, 'long', shell('exit 0'))
    await until(async () => (await driver.checkTask(serverId, 'long')).state === 'succeeded')
  })

  test('one whose processes were killed has failed without an exit status', async () => {
    const { driver, serverId, succeed } = subject
    await driver.startTask(serverId, 'long', shell('ps -o sid= -p $$; sleep 300'))
    await until(async () => (await driver.checkTask(serverId, 'long')).stdoutTail.endsWith('\n'))
    const session = (await driver.checkTask(serverId, 'long')).stdoutTail.trim()
    await succeed(serverId, 'pkill', '-KILL', '-s', session)
    await until(async () => (await driver.checkTask(serverId, 'long')).state === 'failed')
    expect((await driver.checkTask(serverId, 'long')).exitCode).toBeNull()
  })

  test('of long output the last 64 KiB are shown', async () => {
    const { driver, serverId } = subject
    await driver.startTask(serverId, 'loud', shell('yes 0123456 | head -n 20000; echo end'))
    await driver.taskEnded(serverId, 'loud')
    const { stdoutTail } = await driver.checkTask(serverId, 'loud')
    expect(Buffer.byteLength(stdoutTail)).toBe(64 * 1024)
    expect(stdoutTail.endsWith('\nend\n')).toBe(true)
  })
}
