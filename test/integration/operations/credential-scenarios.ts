import { sql } from 'kysely'
import { createCredential } from '../../../src/services/create-credential.ts'
import { deleteCredential } from '../../../src/services/delete-credential.ts'
import { rotateCredential, rotateOwnerCredential } from '../../../src/services/rotate-credential.ts'
import {
  addonOf,
  aProtectedAddon,
  gone,
  keepNothing,
  remove,
  restore,
  type Scenario,
  serving,
} from './scenario.ts'
import { caller, type Stage, workToEnd } from './stage.ts'

const READER = { name: 'reporting', access: 'read-only' } as const

const addReader = async (stage: Stage) =>
  void (await createCredential(stage.services, caller, (await addonOf(stage)).id, READER))

async function anAddonWithReader(stage: Stage): Promise<void> {
  await aProtectedAddon(stage)
  await addReader(stage)
  await workToEnd(stage)
}

async function pathOfReader(stage: Stage) {
  const { id: addonId } = await addonOf(stage)
  const reader = stage.db.selectFrom('credential').select('id').where('addon_id', '=', addonId)
  const { id: credentialId } = await reader.where('name', '=', READER.name).executeTakeFirstOrThrow()
  return { addonId, credentialId }
}

const rotateOwner = (overlapSeconds: number) => async (stage: Stage) =>
  void (await rotateOwnerCredential(stage.services, caller, (await addonOf(stage)).id, { overlapSeconds }))

const rotateReader = (overlapSeconds: number) => async (stage: Stage) =>
  void (await rotateCredential(stage.services, caller, await pathOfReader(stage), { overlapSeconds }))

const owner = { of: 'shop', name: 'owner', access: 'owner', status: 'active', role: 'owner' }
const reader = { of: 'shop', ...READER, status: 'active', role: 'read-only', isSealed: true, hasNext: false }
const crashIn = ['credential.apply']

/** What credentials add to the crash matrix. */
export const credentialScenarios: Scenario[] = [
  {
    name: 'a further credential is made on the server',
    given: aProtectedAddon,
    when: addReader,
    end: {
      credentials: [
        { ...owner, old: [] },
        { ...reader, old: [] },
      ],
    },
    crashIn,
  },
  {
    name: 'the owner gets another login, and the old one works beside it',
    given: aProtectedAddon,
    when: rotateOwner(3600),
    end: { credentials: [{ ...owner, hasNext: false, old: [{ role: 'old', isDropped: false }] }] },
    crashIn,
  },
  {
    name: 'the owner gets another login at once, and of the old one nothing is left',
    given: aProtectedAddon,
    when: rotateOwner(0),
    end: { credentials: [{ ...owner, old: [{ role: undefined, isDropped: true }] }] },
    crashIn,
  },
  {
    name: 'an old login is dropped when its time is over',
    given: async (stage) => {
      await anAddonWithReader(stage)
      await rotateReader(3600)(stage)
      await workToEnd(stage)
    },
    when: async ({ db, tenantId }) => {
      const over = sql`update old_login set valid_until = now() - interval '1 second' where tenant_id = ${tenantId}`
      await over.execute(db)
    },
    end: { credentials: [owner, { ...reader, old: [{ role: undefined, isDropped: true }] }] },
    crashIn,
  },
  {
    name: 'a rotation at once during an overlap ends every login that is older',
    given: async (stage) => {
      await aProtectedAddon(stage)
      await rotateOwner(3600)(stage)
      await workToEnd(stage)
    },
    when: rotateOwner(0),
    end: { credentials: [{ ...owner, old: [{ isDropped: true }, { isDropped: true }] }] },
    crashIn,
  },
  {
    name: 'a deleted credential leaves no login, old ones included',
    given: async (stage) => {
      await anAddonWithReader(stage)
      await rotateReader(3600)(stage)
      await workToEnd(stage)
    },
    when: async (stage) => void (await deleteCredential(stage.services, caller, await pathOfReader(stage))),
    end: {
      credentials: [
        owner,
        { ...reader, status: 'deleted', role: undefined, isSealed: false, old: [{ isDropped: true }] },
      ],
    },
    crashIn,
  },
  {
    name: 'a child has credentials of its own for those of its parent, which was rotated meanwhile',
    given: async (stage) => {
      await anAddonWithReader(stage)
      await rotateOwner(3600)(stage)
      await workToEnd(stage)
    },
    when: async (stage) => void (await restore(stage)),
    end: {
      addons: [serving('shop'), serving('copy')],
      restores: [{ status: 'succeeded' }],
      credentials: [owner, reader, { ...owner, of: 'copy', old: [] }, { ...reader, of: 'copy', old: [] }],
    },
    crashIn: ['restore.run'],
  },
  {
    name: 'an add-on is deleted although a rotation waits for its server, which is down',
    given: async (stage) => {
      await keepNothing(stage)
      await aProtectedAddon(stage)
    },
    when: async (stage) => {
      stage.world.failing.add('postgres')
      await rotateOwner(0)(stage)
      await remove(stage)
    },
    end: { addons: [gone('shop')], directories: 0, archives: 0 },
  },
]
