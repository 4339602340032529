import { insertApiKey, type KeyHolder } from '../db/api-keys.ts'
import { recordAudit } from '../db/audit.ts'
import type { Tx } from '../db/client.ts'
import type { ApiKeyRow } from '../db/schema.ts'
import { transact } from '../db/transact.ts'
import { hashApiKey, newApiKeySecret } from '../domain/credentials.ts'
import { newId } from '../domain/ids.ts'
import type { Moment } from '../domain/moment.ts'
import { DEFAULT_SCOPES, SCOPES, type Scope } from '../domain/scopes.ts'
import { apiKeyView } from './api-key-view.ts'
import type { Caller } from './caller.ts'
import { requestedExpiry } from './key-expiry.ts'
import { assertMayGrant, expiryWithin, keyMaker } from './key-maker.ts'
import { recordKeyEvent } from './record-key-event.ts'
import { holderOf, holdHolder, type RequestedHolder } from './require-api-key.ts'
import type { ServiceDeps } from './service-deps.ts'

export interface ApiKeyInput {
  name: string
  /** A key of the platform has all of them. */
  scopes?: Scope[] | undefined
  /** RFC 3339 with an offset; as long as the key that makes it where it is not given. */
  expiresAt?: string | undefined
}

/**
 * The only answer that holds the key's secret.
 * @throws Problem `tenant-not-found`, `validation-failed` for an expiry that has passed, `forbidden` for more than the
 * key that calls has itself
 */
export async function createApiKey(
  { db, now }: Pick<ServiceDeps, 'db' | 'now'>,
  caller: Caller,
  requested: RequestedHolder,
  { name, scopes = [...DEFAULT_SCOPES], expiresAt }: ApiKeyInput,
) {
  const holder = holderOf(caller, requested)
  const at = now()
  const wanted = requestedExpiry(expiresAt, at)
  const granted = holder === null ? SCOPES : SCOPES.filter((scope) => scopes.includes(scope))
  const { row, secret } = await transact(db, async (tx) => {
    await holdHolder(tx, holder)
    const maker = await keyMaker(tx, caller, at)
    assertMayGrant(maker, granted)
    const made = await makeApiKey(tx, {
      holder,
      name,
      scopes: granted,
      expiresAt: expiryWithin(maker, wanted),
    })
    const { id } = made.row
    await recordKeyEvent(tx, 'api-key.created', made.row)
    const what = { tenantId: holder, action: 'api-key.create', resourceId: id, after: apiKeyView(made.row) }
    await recordAudit(tx, { actor: caller.actor, ...what })
    return made
  })
  return { ...apiKeyView(row), secret }
}

interface KeyToMake {
  holder: KeyHolder
  name: string
  scopes: readonly Scope[]
  expiresAt: Moment | null
}

/** A key, and the secret that is kept nowhere. */
export async function makeApiKey(
  tx: Tx,
  { holder, name, scopes, expiresAt }: KeyToMake,
): Promise<{ row: ApiKeyRow; secret: string }> {
  const secret = newApiKeySecret()
  const row = await insertApiKey(tx, {
    id: newId('apiKey'),
    tenant_id: holder,
    name,
    secret_hash: hashApiKey(secret),
    scopes: [...scopes],
    expires_at: expiresAt,
  })
  return { row, secret }
}
