import type { Executor } from '../db/client.ts'
import type { TenantRow } from '../db/schema.ts'
import { findTenant, listTenants } from '../db/tenants.ts'
import { isId } from '../domain/ids.ts'
import { Problem } from '../domain/problem.ts'
import { pageOf, type Slice } from './page.ts'
import type { ServiceDeps } from './service-deps.ts'
import { tenantView } from './tenant-view.ts'

type Deps = Pick<ServiceDeps, 'db' | 'platformQuotas'>

export async function readTenant({ db, platformQuotas }: Deps, id: string) {
  return tenantView(await requireTenant(db, id), platformQuotas)
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
