import type { TenantRow } from '../db/schema.ts'
import { type CompleteQuotas, effectiveQuotas } from '../domain/quotas.ts'

/** A tenant as the platform sees it. */
export function tenantView(row: TenantRow, platformQuotas: CompleteQuotas) {
  return {
    id: row.id,
    name: row.name,
    maxConcurrentOperations: row.max_concurrent_operations,
    backupPolicy: row.backup_policy,
    quotas: row.quotas,
    effectiveQuotas: effectiveQuotas(platformQuotas, row.quotas),
    createdAt: row.created_at,
  }
}
