import {
  type AddonWithPort,
  addonIsKnown,
  findAddon,
  findAddonEverKnown,
  type Label,
  listAddons,
} from '../db/addons.ts'
import type { Executor } from '../db/client.ts'
import type { TenantScope } from '../db/tenant-scope.ts'
import { isId } from '../domain/ids.ts'
import { Problem } from '../domain/problem.ts'
import { type AddonViewDeps, addonView } from './addon-view.ts'
import { type Caller, scopeOf } from './caller.ts'
import { pageOf, type Slice } from './page.ts'
import type { ServiceDeps } from './service-deps.ts'

type Deps = Pick<ServiceDeps, 'db'> & AddonViewDeps

/** One that is deleted is still shown, so that whoever waits for the deletion sees it end. */
export async function readAddon(deps: Deps, caller: Caller, id: string) {
  return addonView(await requireAddon(deps.db, scopeOf(caller), id, findAddonEverKnown), deps)
}

export async function readAddons(
  deps: Deps,
  caller: Caller,
  { tenantId, label = [] }: { tenantId?: string | undefined; label?: readonly Label[] | undefined },
  slice: Slice,
) {
  const rows = await listAddons(deps.db, scopeOf(caller, tenantId), label, slice)
  return pageOf(rows, slice, (row) => addonView(row, deps))
}

/** @throws Problem `addon-not-found`, also once the add-on is deleted; `find` may lock the row. */
export async function requireAddon<Ex extends Executor>(
  ex: Ex,
  scope: TenantScope,
  id: string,
  find: (ex: Ex, scope: TenantScope, id: string) => Promise<AddonWithPort | undefined> = findAddon,
): Promise<AddonWithPort> {
  const addon = isId('addon', id) ? await find(ex, scope, id) : undefined
  if (addon === undefined) throw new Problem('addon-not-found')
  return addon
}

/**
 * For filters of lists, whose rows outlive the add-on.
 * @throws Problem `addon-not-found` when the scope never had it
 */
export async function requireKnownAddon(
  ex: Executor,
  scope: TenantScope,
  id: string | undefined,
): Promise<void> {
  if (id === undefined) return
  if (!isId('addon', id) || !(await addonIsKnown(ex, scope, id))) throw new Problem('addon-not-found')
}
