import type { Credential } from '../db/credentials.ts'

/** A credential as clients see it: never what logs in. */
export function credentialView(row: Credential) {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    addonId: row.addon_id,
    name: row.name,
    access: row.access,
    status: row.status,
    oldLoginUntil: row.old_login_until,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    rotatedAt: row.rotated_at,
  }
}
