import { sql } from 'kysely'
import { expect } from 'vitest'
import {
  aProtectedAddon,
  create,
  gone,
  keepNothing,
  remove,
  restore,
  type Scenario,
  serving,
} from './scenario.ts'
import { type Stage, workToEnd } from './stage.ts'

async function aDeletedAddon(stage: Stage): Promise<void> {
  await aProtectedAddon(stage)
  await remove(stage)
  await workToEnd(stage)
}

/** The deletion is asked for while that call is under way. */
const removedDuring = (call: string) => async (stage: Stage) => {
  await create(stage)
  stage.world.ambush = { call, happens: () => remove(stage) }
}

/** The only commit in the fake world is the marker that the deletion leaves. */
const kept = (name: string) => ({
  name,
  status: 'deleted',
  server: { hasPort: false, isDeleted: true, directory: null },
  archive: {
    isRemoved: false,
    isKept: true,
    holdsACommit: true,
    stanza: true,
    backups: [expect.any(String)],
  },
})

/** What becomes of an add-on that is deleted, and of its archive. */
export const deletionScenarios: Scenario[] = [
  {
    name: 'a deleted add-on leaves nothing',
    given: async (stage) => {
      await keepNothing(stage)
      await aProtectedAddon(stage)
    },
    when: remove,
    end: { addons: [gone('shop')], directories: 0, archives: 0 },
  },
  {
    name: 'the archive of a deleted add-on is kept, with what was committed last',
    given: aProtectedAddon,
    when: remove,
    end: { addons: [kept('shop')], directories: 0, archives: 1 },
  },
  {
    name: 'the archive of a deleted add-on is kept although its server is lost',
    given: async (stage) => {
      await aProtectedAddon(stage)
      stage.world.servers.clear()
    },
    when: remove,
    end: { addons: [{ ...kept('shop'), archive: { isRemoved: false, isKept: true } }], archives: 1 },
  },
  {
    name: 'a deleted add-on is restored from its archive',
    given: aDeletedAddon,
    when: async (stage) => void (await restore(stage)),
    end: {
      addons: [kept('shop'), serving('copy')],
      restores: [{ status: 'succeeded' }],
      directories: 1,
      archives: 2,
    },
    crashIn: ['restore.run'],
  },
  {
    name: 'the archive of a deleted add-on is purged when its time is over',
    given: aDeletedAddon,
    when: async ({ db, tenantId }) => {
      await sql`update archive set keep_until = now() - interval '1 second' where tenant_id = ${tenantId}`.execute(
        db,
      )
    },
    end: { addons: [gone('shop')], directories: 0, archives: 0 },
  },
  {
    name: 'an add-on that is deleted while it is provisioned leaves nothing',
    when: removedDuring('startTask initdb'),
    end: { addons: [gone('shop')], directories: 0, archives: 0 },
  },
  {
    name: 'an add-on that is deleted while its archive is made leaves nothing',
    when: removedDuring('archives.ensure'),
    end: { addons: [gone('shop')], directories: 0, archives: 0 },
    crashIn: ['server.protect', 'addon.delete'],
  },
  {
    name: 'an add-on that is deleted during its first backup leaves nothing',
    when: removedDuring('startTask backup'),
    end: { addons: [gone('shop')], directories: 0, archives: 0 },
    crashIn: ['backup.take', 'addon.delete'],
  },
]
