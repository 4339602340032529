import type { AddonWithPort } from '../db/addons.ts'

/** An add-on as clients see it. */
export function addonView(row: AddonWithPort, endpointHost: string) {
  const port = row.status === 'available' ? row.port : null
  return {
    id: row.id,
    tenantId: row.tenant_id,
    name: row.name,
    status: row.status,
    protection: row.protection,
    stalled: row.stalled,
    postgresVersion: row.postgres_version,
    databaseName: row.database_name,
    endpoint: port === null ? null : { host: endpointHost, port },
    restoredFrom: row.restored_from,
    backupPolicy: row.backup_policy,
    labels: row.labels,
    deletionProtection: row.deletion_protection,
    archiveKeptUntil: row.archive_kept_until,
    failure: row.failure,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}
