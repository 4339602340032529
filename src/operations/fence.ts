import type { ServerDriver } from '../drivers/driver.ts'

const READS = new Set<keyof ServerDriver>([
  'kind',
  'paths',
  'program',
  'postgresVersions',
  'listInstances',
  'postgresState',
  'readLog',
  'checkTask',
  'taskEnded',
])

/** The driver for one turn: nothing is started or changed by a worker whose lease is gone. Reading stays allowed. */
export function fenced(driver: ServerDriver, assertHeld: () => void): ServerDriver {
  return new Proxy(driver, {
    get(target, name: keyof ServerDriver) {
      const member = target[name]
      if (typeof member !== 'function' || READS.has(name)) return member
      return (...args: unknown[]) => {
        assertHeld()
        return (member as (...args: unknown[]) => unknown).apply(target, args)
      }
    },
  })
}
