import type { Compilable, CompiledQuery } from 'kysely'
import type { Executor } from './client.ts'
import type { TenantScope } from './tenant-scope.ts'

// What stands for the values while a query is compiled; a symbol is nobody's id.
const TENANT = Symbol('tenant') as unknown as string
const ID = Symbol('id') as unknown as string

/**
 * Finds a row of the scope by its id. Its query is put together and compiled once for one tenant and once for all: to do
 * so each time costs more than to run it.
 * @param build the query; it looks at the kind of the scope only
 */
export function lookup<Row>(build: (ex: Executor, scope: TenantScope, id: string) => Compilable<Row>) {
  const compiled = new Map<boolean, CompiledQuery<Row>>()

  return async (ex: Executor, scope: TenantScope, id: string): Promise<Row | undefined> => {
    const isEveryTenant = scope === 'every-tenant'
    const query =
      compiled.get(isEveryTenant) ?? build(ex, isEveryTenant ? scope : { tenantId: TENANT }, ID).compile()
    compiled.set(isEveryTenant, query)
    const given = (value: unknown) =>
      value === ID ? id : value === TENANT && !isEveryTenant ? scope.tenantId : value
    const { rows } = await ex.executeQuery<Row>({ ...query, parameters: query.parameters.map(given) })
    return rows[0]
  }
}
