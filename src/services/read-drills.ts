import { findDrill, listDrills } from '../db/drills.ts'
import { isId } from '../domain/ids.ts'
import { Problem } from '../domain/problem.ts'
import { type Caller, scopeOf } from './caller.ts'
import { drillView } from './drill-view.ts'
import { pageOf, type Slice } from './page.ts'
import { requireKnownAddon } from './read-addons.ts'
import type { ServiceDeps } from './service-deps.ts'

/** @throws Problem `drill-not-found` */
export async function readDrill({ db }: Pick<ServiceDeps, 'db'>, caller: Caller, id: string) {
  const drill = isId('drill', id) ? await findDrill(db, scopeOf(caller), id) : undefined
  if (drill === undefined) throw new Problem('drill-not-found')
  return drillView(drill)
}

/** Evidence outlives the add-on. */
export async function readDrills(
  { db }: Pick<ServiceDeps, 'db'>,
  caller: Caller,
  addonId: string,
  slice: Slice,
) {
  const scope = scopeOf(caller)
  await requireKnownAddon(db, scope, addonId)
  return pageOf(await listDrills(db, scope, addonId, slice), slice, drillView)
}
