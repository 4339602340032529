import type { Moment } from '../domain/moment.ts'
import type { Executor } from './client.ts'
import { inScope, type TenantScope } from './tenant-scope.ts'

export interface AuditFilter {
  action?: string | undefined
  resourceId?: string | undefined
  apiKeyId?: string | undefined
  createdAfter?: Moment | undefined
  createdBefore?: Moment | undefined
}

export type AuditRow = Awaited<ReturnType<typeof readAuditLog>>[number]

/**
 * Entries of the scope, the newest first, each with the name of the key where the scope has that.
 * @param before only entries older than that one
 */
export function readAuditLog(
  ex: Executor,
  scope: TenantScope,
  { action, resourceId, apiKeyId, createdAfter, createdBefore }: AuditFilter,
  { before, limit }: { before: number | undefined; limit: number },
) {
  let query = ex
    .selectFrom('audit_entry')
    .leftJoin('api_key', 'api_key.id', 'audit_entry.api_key_id')
    .selectAll('audit_entry')
    .select(['api_key.name as key_name', 'api_key.tenant_id as key_tenant_id'])
    .where(inScope(scope, 'audit_entry.tenant_id'))
  if (before !== undefined) query = query.where('audit_entry.id', '<', before)
  if (action !== undefined) query = query.where('action', '=', action)
  if (resourceId !== undefined) query = query.where('resource_id', '=', resourceId)
  if (apiKeyId !== undefined) query = query.where('api_key_id', '=', apiKeyId)
  if (createdAfter !== undefined) query = query.where('audit_entry.created_at', '>', createdAfter)
  if (createdBefore !== undefined) query = query.where('audit_entry.created_at', '<', createdBefore)
  return query.orderBy('audit_entry.id', 'desc').limit(limit).execute()
}
