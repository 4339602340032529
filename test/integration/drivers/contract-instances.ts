import { expect, test } from 'vitest'
import type { Subject } from './subject.ts'

/** Where a server's files are, and who can read them. */
export function instancesAreKept(subject: Subject): void {
  test('making one that is there changes nothing in it', async () => {
    const { driver, serverId, succeed } = subject
    const file = `${driver.paths(serverId).dataDirectory}/kept`
    await succeed(serverId, 'touch', file)
    await driver.ensureInstance(serverId)
    await succeed(serverId, 'test', '-f', file)
    expect(await driver.listInstances()).toContain(serverId)
  })

  test('a destroyed one is gone, and destroying it again succeeds', async () => {
    const { driver, serverId } = subject
    await driver.destroyInstance(serverId)
    await driver.destroyInstance(serverId)
    expect(await driver.listInstances()).not.toContain(serverId)
    expect(await driver.postgresState(serverId)).toBe('no-data')
  })

  test('one can be made again under the same id', async () => {
    const { driver, serverId, succeed } = subject
    await driver.destroyInstance(serverId)
    await driver.ensureInstance(serverId)
    expect(await succeed(serverId, 'ls', '-A', driver.paths(serverId).dataDirectory)).toBe('')
  })

  test('configuration is replaced and removed file by file, readable for the server and no more', async () => {
    const { driver, serverId, succeed } = subject
    const { configDirectory } = driver.paths(serverId)
    await driver.writeConfig(serverId, { a: 'first', b: 'kept' })
    await driver.writeConfig(serverId, { a: 'second', c: null })
    expect(await succeed(serverId, 'cat', `${configDirectory}/a`, `${configDirectory}/b`)).toBe('secondkept')
    await driver.writeConfig(serverId, { a: null })
    expect(await succeed(serverId, 'ls', '-A', configDirectory)).toBe('b\n')
  })
}
