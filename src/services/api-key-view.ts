import type { ApiKeyRow } from '../db/schema.ts'

/** An API key without its secret, which nobody can read again. */
export function apiKeyView(row: ApiKeyRow) {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    name: row.name,
    scopes: row.scopes,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
    revokedAt: row.revoked_at,
    replacedBy: row.replaced_by,
  }
}
