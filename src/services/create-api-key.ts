import { insertApiKey } from '../db/api-keys.ts'
import { recordAudit } from '../db/audit.ts'
import { holdTenant } from '../db/tenants.ts'
import { transact } from '../db/transact.ts'
import { hashApiKey, newApiKeySecret } from '../domain/credentials.ts'
import { newId } from '../domain/ids.ts'
import { Problem } from '../domain/problem.ts'
import { apiKeyView } from './api-key-view.ts'
import { type Caller, tenantOf } from './caller.ts'
import type { ServiceDeps } from './service-deps.ts'

export interface ApiKeyInput {
  name: string
  /** RFC 3339 with an offset. */
  expiresAt?: string | undefined
}

/** The only answer that holds the key's secret. */
export async function createApiKey(
  { db }: Pick<ServiceDeps, 'db'>,
  caller: Caller,
  requestedTenantId: string,
  { name, expiresAt }: ApiKeyInput,
) {
  const tenantId = tenantOf(caller, requestedTenantId)
  const id = newId('apiKey')
  const secret = newApiKeySecret()
  const row = await transact(db, async (tx) => {
    if ((await holdTenant(tx, tenantId)) === undefined) throw new Problem('tenant-not-found')
    const key = {
      id,
      tenant_id: tenantId,
      name,
      secret_hash: hashApiKey(secret),
      expires_at: expiresAt ?? null,
    }
    const inserted = await insertApiKey(tx, key)
    await recordAudit(tx, { actor: caller.actor, tenantId, action: 'api-key.create', resourceId: id })
    return inserted
  })
  return { ...apiKeyView(row), secret }
}
