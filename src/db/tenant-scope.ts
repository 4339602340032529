import { type RawBuilder, sql } from 'kysely'

/** Whose rows a query may touch: one tenant's, or everybody's for a platform key. */
export type TenantScope = { readonly tenantId: string } | 'every-tenant'

/** The condition that keeps a query inside the scope. */
export function inScope(scope: TenantScope, column = 'tenant_id'): RawBuilder<boolean> {
  return scope === 'every-tenant' ? sql<boolean>`true` : sql<boolean>`${sql.ref(column)} = ${scope.tenantId}`
}

/** Which rows of a list, in order of id. */
export interface Slice {
  limit: number
  /** Only rows after this id. */
  after: string | undefined
}

/** One row more than asked for tells whether there is a next page. Every id sorts after the empty text. */
export function bounds({ limit, after = '' }: Slice): { limit: number; after: string } {
  return { limit: limit + 1, after }
}
