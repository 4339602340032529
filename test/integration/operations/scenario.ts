import { createAddon } from '../../../src/services/create-addon.ts'
import { caller, type Stage, workToEnd } from './stage.ts'

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
