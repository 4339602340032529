import type { Executor, Tx } from '../db/client.ts'
import type { TenantRow } from '../db/schema.ts'
import { findTenant, listTenants, lockTenantToChange } from '../db/tenants.ts'
import { isId } from '../domain/ids.ts'
import { Problem } from '../domain/problem.ts'
import { type Caller, tenantOf } from './caller.ts'
import { pageOf, type Slice } from './page.ts'
import type { ServiceDeps } from './service-deps.ts'
import { tenantView } from './tenant-view.ts'

type Deps = Pick<ServiceDeps, 'db' | 'platformQuotas'>

/** @throws Problem `tenant-not-found` */
export async function readTenant({ db, platformQuotas }: Deps, caller: Caller, id: string) {
  return tenantView(await requireTenant(db, tenantOf(caller, id)), platformQuotas)
}

export async function readTenants({ db, platformQuotas }: Deps, slice: Slice) {
  return pageOf(await listTenants(db, slice), slice, (row) => tenantView(row, platformQuotas))
}

/** @throws Problem `tenant-not-found` */
export async function requireTenant(ex: Executor, id: string): Promise<TenantRow> {
  const tenant = isId('tenant', id) ? await findTenant(ex, id) : undefined
  if (tenant === undefined) throw new Problem('tenant-not-found')
  return tenant
}

/**
 * The tenant as it is until the transaction ends.
 * @param lock waits for whoever has locked it
 * @throws Problem `tenant-not-found`
 */
export async function requireLockedTenant(
  tx: Tx,
  id: string,
  lock: (tx: Tx, id: string) => Promise<unknown> = lockTenantToChange,
): Promise<TenantRow> {
  if (isId('tenant', id)) await lock(tx, id)
  return requireTenant(tx, id)
}
