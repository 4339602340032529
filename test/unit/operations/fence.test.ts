import { expect, test } from 'vitest'
import type { ServerDriver } from '../../../src/drivers/driver.ts'
import { fenced } from '../../../src/operations/fence.ts'
import { fakeArchives, fakeDriver } from '../../support/fake/driver.ts'
import { newLife } from '../../support/fake/life.ts'
import { emptyWorld } from '../../support/fake/world.ts'

const CHANGES = [
  'ensureInstance',
  'writeConfig',
  'destroyInstance',
  'startPostgres',
  'stopPostgres',
  'reloadPostgres',
  'run',
  'startTask',
  'checkKeys',
  'clearTask',
  'ensure',
  'destroy',
]

const lost = () => {
  throw new Error('the lease is lost')
}

/** Names of all members that refuse to be called. */
function refused(actor: object): string[] {
  return Object.entries(actor).flatMap(([name, member]) => {
    if (typeof member !== 'function') return []
    try {
      void Promise.resolve(member('srv_1', 1, 2)).catch(() => {})
      return []
    } catch (error) {
      return (error as Error).message === 'the lease is lost' ? [name] : []
    }
  })
}

test('without a lease everything that changes the world is refused, and nothing that reads it', () => {
  const world = emptyWorld()
  const actors = [fenced(fakeDriver(world, newLife()), lost), fenced(fakeArchives(world, newLife()), lost)]
  expect(actors.flatMap(refused).sort()).toEqual(CHANGES.toSorted())
})

test('with a lease every call goes through, on the driver itself', async () => {
  const driver: ServerDriver = fenced(fakeDriver(emptyWorld(), newLife()), () => {})
  await driver.ensureInstance('srv_1')
  expect(await driver.listInstances()).toEqual(['srv_1'])
  expect(driver.kind).toBe('local')
})
