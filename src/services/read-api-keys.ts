import { listApiKeys } from '../db/api-keys.ts'
import { apiKeyView } from './api-key-view.ts'
import { type Caller, tenantOf } from './caller.ts'
import { pageOf, type Slice } from './page.ts'
import { requireTenant } from './read-tenants.ts'
import type { ServiceDeps } from './service-deps.ts'

export async function readApiKeys(
  { db }: Pick<ServiceDeps, 'db'>,
  caller: Caller,
  tenantId: string,
  slice: Slice,
) {
  const { id } = await requireTenant(db, tenantOf(caller, tenantId))
  return pageOf(await listApiKeys(db, id, slice), slice, apiKeyView)
}
