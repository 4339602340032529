import type { ServerDriver } from '../drivers/driver.ts'
import type { ArchiveStore } from '../storage/archive-store.ts'

const READS = new Set<keyof ServerDriver | keyof ArchiveStore>([
  'kind',
  'paths',
  'program',
  'postgresVersions',
  'listInstances',
  'postgresState',
  'readConfig',
  'readLog',
  'checkTask',
  'taskEnded',
  'diskSpace',
  'repositoryOf',
  'list',
  'files',
  'check',
])

/** What acts on the world, for one turn: a worker whose lease is gone starts and changes nothing. Reading stays allowed. */
export function fenced<Actor extends ServerDriver | ArchiveStore>(
  actor: Actor,
  assertHeld: () => void,
): Actor {
  return new Proxy(actor, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      // The set is asked about any name there is.
      if (typeof member !== 'function' || READS.has(name as keyof ServerDriver)) return member
      return (...args: unknown[]) => {
        assertHeld()
        return Reflect.apply(member, target, args)
      }
    },
  })
}
