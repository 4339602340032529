import type { TenantRow } from '../db/schema.ts'

export function tenantView(row: TenantRow) {
  return {
    id: row.id,
    name: row.name,
    maxConcurrentOperations: row.max_concurrent_operations,
    backupPolicy: row.backup_policy,
    createdAt: row.created_at,
  }
}
