import type { Tx } from '../db/client.ts'
import type { ApiKeyRow } from '../db/schema.ts'
import { recordEvent } from '../notify/outbox.ts'

type KeyEvent = 'api-key.created' | 'api-key.updated' | 'api-key.rotated' | 'api-key.revoked'

/** Tells a tenant what becomes of its keys; the platform finds its own in the audit log. */
export async function recordKeyEvent(tx: Tx, type: KeyEvent, key: ApiKeyRow): Promise<void> {
  const {
    id: apiKeyId,
    tenant_id: tenantId,
    name,
    scopes,
    expires_at: expiresAt,
    replaced_by: replacedBy,
  } = key
  if (tenantId === null) return
  await recordEvent(tx, { tenantId, type, payload: { apiKeyId, name, scopes, expiresAt, replacedBy } })
}
