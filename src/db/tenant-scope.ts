import { type RawBuilder, sql } from 'kysely'

/** Whose rows a query may touch: one tenant's, or everybody's for a platform key. */
export type TenantScope = { readonly tenantId: string } | 'every-tenant'

/** The condition that keeps a query inside the scope. */
export function inScope(scope: TenantScope, column = 'tenant_id'): RawBuilder<boolean> {
  return scope === 'every-tenant' ? sql<boolean>`true` : sql<boolean>`${sql.ref(column)} = ${scope.tenantId}`
}
