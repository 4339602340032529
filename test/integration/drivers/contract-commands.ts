import { expect, onTestFinished, test } from 'vitest'
import { until } from '../../support/until.ts'
import type { Subject } from './subject.ts'

/** What a command beside a server gets, and what it gives back. */
export function commandsRun(subject: Subject): void {
  test('a command gets its input, environment and arguments, and gives back all it prints', async () => {
    const { driver, serverId } = subject
    const result = await driver.run(serverId, {
      argv: ['sh', '-c', 'cat; echo "$SECRET $1"; echo fault >&2; exit 3', 'sh', `it's "$HOME"`],
      env: { SECRET: 'value' },
      stdin: 'input ',
    })
    expect(result).toEqual({ exitCode: 3, stdout: `input value it's "$HOME"\n`, stderr: 'fault\n' })
  })

  test('a command sees nothing of our environment', async () => {
    const { serverId, succeed } = subject
    process.env['UNDROP_TEST_LEAK'] = 'leaked'
    onTestFinished(() => {
      delete process.env['UNDROP_TEST_LEAK']
    })
    const names = (await succeed(serverId, 'sh', '-c', 'env | cut -d= -f1 | sort')).trim().split('\n')
    // The shell adds where it is.
    expect(names.filter((name) => name !== 'PWD')).toEqual(['HOME', 'LANG', 'PATH', 'PGDATA', 'TZ'])
  })

  test('files that a command makes are closed to everybody else', async () => {
    const { driver, serverId, succeed } = subject
    const file = `${driver.paths(serverId).dataDirectory}/file`
    await succeed(serverId, 'touch', file)
    expect(await succeed(serverId, 'stat', '-c', '%a', file)).toBe('600\n')
  })

  test('a command that outlasts its time limit is ended, with its children', async () => {
    const { driver, serverId } = subject
    const script = 'sleep 300 & echo $!; wait'
    const { exitCode, stdout } = await driver.run(serverId, {
      argv: ['sh', '-c', script],
      timeoutSeconds: 0.2,
    })
    expect(exitCode).toBeNull()
    const alive = async () =>
      (await driver.run(serverId, { argv: ['kill', '-0', stdout.trim()] })).exitCode === 0
    await until(async () => !(await alive()))
  })

  test('a program that does not exist is a failed command', async () => {
    const { driver, serverId } = subject
    expect((await driver.run(serverId, { argv: ['/no/such/program'] })).exitCode).toBe(127)
  })
}
