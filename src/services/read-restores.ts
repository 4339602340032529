import type { Executor } from '../db/client.ts'
import { findRestore, listRestores } from '../db/restores.ts'
import type { RestoreRow } from '../db/schema.ts'
import type { TenantScope } from '../db/tenant-scope.ts'
import { isId } from '../domain/ids.ts'
import { Problem } from '../domain/problem.ts'
import { type Caller, scopeOf } from './caller.ts'
import { pageOf, type Slice } from './page.ts'
import { requireKnownAddon } from './read-addons.ts'
import { restoreView } from './restore-view.ts'
import type { ServiceDeps } from './service-deps.ts'

export async function readRestore({ db }: Pick<ServiceDeps, 'db'>, caller: Caller, id: string) {
  return restoreView(await requireRestore(db, scopeOf(caller), id))
}

export async function readRestores(
  { db }: Pick<ServiceDeps, 'db'>,
  caller: Caller,
  { tenantId, addonId }: { tenantId?: string | undefined; addonId?: string | undefined },
  slice: Slice,
) {
  const scope = scopeOf(caller, tenantId)
  await requireKnownAddon(db, scope, addonId)
  return pageOf(await listRestores(db, scope, addonId, slice), slice, restoreView)
}

/** @throws Problem `restore-not-found` */
export async function requireRestore<Ex extends Executor>(
  ex: Ex,
  scope: TenantScope,
  id: string,
  find: (ex: Ex, scope: TenantScope, id: string) => Promise<RestoreRow | undefined> = findRestore,
): Promise<RestoreRow> {
  const restore = isId('restore', id) ? await find(ex, scope, id) : undefined
  if (restore === undefined) throw new Problem('restore-not-found')
  return restore
}
