import type { AddonWithPort } from '../db/addons.ts'
import { effectivePolicy } from '../domain/backup-policy.ts'
import type { ServiceDeps } from './service-deps.ts'

/** What a view of an add-on needs beside its row. */
export type AddonViewDeps = Pick<ServiceDeps, 'endpointHost' | 'platformPolicy'>

/** An add-on as clients see it. */
export function addonView(row: AddonWithPort, { endpointHost, platformPolicy }: AddonViewDeps) {
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
    effectiveBackupPolicy: effectivePolicy(platformPolicy, row.tenant_backup_policy, row.backup_policy),
    labels: row.labels,
    deletionProtection: row.deletion_protection,
    archiveKeptUntil: row.archive_kept_until,
    failure: row.failure,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}
