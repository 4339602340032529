import type { Actor } from '../db/audit.ts'
import type { TenantScope } from '../db/tenant-scope.ts'
import { isId } from '../domain/ids.ts'
import { Problem } from '../domain/problem.ts'
import type { Scope } from '../domain/scopes.ts'

/** Who makes a request. */
export interface Caller {
  /** Null for a platform key, which acts for every tenant. */
  tenantId: string | null
  /** What its key is allowed; checked before a use case begins. */
  scopes: readonly Scope[]
  actor: Actor
  /** The states of a resource that the request is meant for: see precondition.ts. */
  ifMatch?: string
}

/**
 * The rows a caller may see; those of one tenant when it names one.
 * @throws Problem `tenant-not-found` when a tenant's key names another tenant, whether that one exists or not.
 */
export function scopeOf(caller: Caller, tenantId?: string): TenantScope {
  if (tenantId === undefined) return caller.tenantId === null ? 'every-tenant' : { tenantId: caller.tenantId }
  if (!isId('tenant', tenantId)) throw new Problem('tenant-not-found')
  if (caller.tenantId !== null && caller.tenantId !== tenantId) throw new Problem('tenant-not-found')
  return { tenantId }
}

/**
 * The tenant that something new will belong to.
 * @throws Problem `validation-failed` when a platform key does not say which; as `scopeOf`.
 */
export function tenantOf(caller: Caller, tenantId: string | undefined): string {
  const scope = scopeOf(caller, tenantId)
  if (scope !== 'every-tenant') return scope.tenantId
  const errors = [{ pointer: '/tenantId', detail: 'is required with a platform key' }]
  throw new Problem('validation-failed', { extensions: { errors } })
}
