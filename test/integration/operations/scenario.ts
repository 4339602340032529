import { expect } from 'vitest'
import type { RestoreTarget } from '../../../src/domain/restore.ts'
import { createAddon } from '../../../src/services/create-addon.ts'
import { deleteAddon } from '../../../src/services/delete-addon.ts'
import { requestRestore } from '../../../src/services/request-restore.ts'
import { caller, type Stage, workToEnd } from './stage.ts'

// What the scenarios of the crash matrix are told with.

export interface Scenario {
  name: string
  /** What has been done, without a crash, before. */
  given?: (stage: Stage) => Promise<void>
  /** Asks for the work in which a worker crashes. */
  when: (stage: Stage) => Promise<void>
  /** How it ends, crash or no crash. */
  end: object
  /** Kinds of operations; what is left out is the same in another scenario. */
  crashIn?: string[]
}

export const TARGET = { time: '2026-11-23T13:45:00.000000Z' }

export const create = async ({ services, tenantId }: Stage) =>
  void (await createAddon(services, caller, { tenantId, name: 'shop' }))

export async function addonOf({ db, tenantId }: Stage, name = 'shop') {
  return db
    .selectFrom('addon')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('name', '=', name)
    .executeTakeFirstOrThrow()
}

export async function aProtectedAddon(stage: Stage): Promise<void> {
  await create(stage)
  await workToEnd(stage)
}

export const restore = async (stage: Stage, target: RestoreTarget = TARGET) =>
  (await requestRestore(stage.services, caller, (await addonOf(stage)).id, { target, name: 'copy' })).id

export const restoreTo = (target: RestoreTarget) => async (stage: Stage) =>
  void (await restore(stage, target))

export const remove = async (stage: Stage) =>
  void (await deleteAddon(stage.services, caller, (await addonOf(stage)).id))

/** From then on deletion removes archives at once. */
export const keepNothing = async ({ db, tenantId }: Stage) =>
  void (await db
    .updateTable('tenant')
    .set({ backup_policy: JSON.stringify({ deletedRetentionDays: 0 }) })
    .where('id', '=', tenantId)
    .execute())

export const gone = (name: string) => ({
  name,
  status: 'deleted',
  server: { hasPort: false, isDeleted: true, directory: null },
  archive: { isRemoved: true, stanza: undefined },
})
export const serving = (name: string) => ({
  name,
  status: 'available',
  protection: 'protected',
  server: {
    desiredState: 'running',
    hasPort: true,
    listensOnIt: true,
    directory: {
      admitsClients: true,
      archives: true,
      recoverySettings: false,
      data: { recoverySignal: false },
    },
  },
  archive: { stanza: true, backups: [expect.any(String)] },
})
