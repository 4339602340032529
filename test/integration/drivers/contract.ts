import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished } from 'vitest'
import { newId } from '../../../src/domain/ids.ts'
import type { ServerDriver } from '../../../src/drivers/driver.ts'
import { commandsRun } from './contract-commands.ts'
import { instancesAreKept } from './contract-instances.ts'
import { postgresServes } from './contract-postgres.ts'
import { tasksEnd } from './contract-tasks.ts'
import type { Subject } from './subject.ts'

export interface DriverUnderTest {
  driver: ServerDriver
  another: Subject['another']
  dispose: () => Promise<void>
}

/** What holds of every driver. */
export function describeServerDriver(name: string, make: () => Promise<DriverUnderTest>): void {
  describe(name, () => {
    // Filled before the tests run.
    const subject = {} as Subject
    let dispose: DriverUnderTest['dispose']

    beforeAll(async () => {
      const { driver, another, ...rest } = await make()
      dispose = rest.dispose
      const succeed = succeedWith(driver)
      const version = driver.postgresVersions()[0] ?? 0
      const template = newId('server')
      await driver.ensureInstance(template)
      const data = driver.paths(template).dataDirectory
      await succeed(
        template,
        driver.program(version, 'initdb'),
        '-N',
        '-A',
        'trust',
        '-U',
        'admin',
        '-D',
        data,
      )
      Object.assign(subject, { driver, another, succeed, version, template })
    })
    afterAll(() => dispose())

    beforeEach(async () => {
      const serverId = newId('server')
      await subject.driver.ensureInstance(serverId)
      onTestFinished(() => subject.driver.destroyInstance(serverId))
      subject.serverId = serverId
    })

    describe('instances', () => instancesAreKept(subject))
    describe('commands', () => commandsRun(subject))
    describe('tasks', () => tasksEnd(subject))
    describe('postgres', () => postgresServes(subject))
  })
}

function succeedWith(driver: ServerDriver): Subject['succeed'] {
  return async (serverId, ...argv) => {
    const { exitCode, stdout, stderr } = await driver.run(serverId, { argv })
    expect(exitCode, stderr).toBe(0)
    return stdout
  }
}
