import { insertApiKey } from '../db/api-keys.ts'
import { recordAudit } from '../db/audit.ts'
import { holdTenant } from '../db/tenants.ts'
import { transact } from '../db/transact.ts'
import { hashApiKey, newApiKeySecret } from '../domain/credentials.ts'
import { newId } from '../domain/ids.ts'
import { type Moment, parseMoment } from '../domain/moment.ts'
import { Problem } from '../domain/problem.ts'
import { DEFAULT_SCOPES, SCOPES, type Scope } from '../domain/scopes.ts'
import { recordEvent } from '../notify/outbox.ts'
import { apiKeyView } from './api-key-view.ts'
import { type Caller, tenantOf } from './caller.ts'
import type { ServiceDeps } from './service-deps.ts'

export interface ApiKeyInput {
  name: string
  scopes?: Scope[] | undefined
  /** RFC 3339 with an offset. */
  expiresAt?: string | undefined
}

/**
 * The only answer that holds the key's secret.
 * @throws Problem `tenant-not-found`, `validation-failed` for an expiry that has passed
 */
export async function createApiKey(
  { db, now }: Pick<ServiceDeps, 'db' | 'now'>,
  caller: Caller,
  requestedTenantId: string,
  { name, scopes = [...DEFAULT_SCOPES], expiresAt }: ApiKeyInput,
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
      scopes: SCOPES.filter((scope) => scopes.includes(scope)),
      expires_at: expiresAt === undefined ? null : expiryOf(expiresAt, now()),
    }
    const inserted = await insertApiKey(tx, key)
    const view = apiKeyView(inserted)
    const payload = { apiKeyId: id, name, scopes: view.scopes, expiresAt: view.expiresAt }
    await recordEvent(tx, { tenantId, type: 'api-key.created', payload })
    const action = 'api-key.create'
    await recordAudit(tx, { actor: caller.actor, tenantId, action, resourceId: id, after: view })
    return inserted
  })
  return { ...apiKeyView(row), secret }
}

function expiryOf(text: string, now: Moment): Moment {
  const expiresAt = parseMoment(text)
  if (expiresAt !== null && expiresAt > now) return expiresAt
  const errors = [{ pointer: '/expiresAt', detail: 'has to be later than now' }]
  throw new Problem('validation-failed', { extensions: { errors } })
}
