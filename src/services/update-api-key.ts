import { updateApiKey as updateRow } from '../db/api-keys.ts'
import { recordAudit } from '../db/audit.ts'
import type { ApiKeyRow } from '../db/schema.ts'
import { SCOPES, type Scope } from '../domain/scopes.ts'
import { apiKeyView } from './api-key-view.ts'
import type { Caller } from './caller.ts'
import { changeOf } from './change-of.ts'
import { requestedExpiry } from './key-expiry.ts'
import { assertMayGrant, expiryWithin, keyMaker } from './key-maker.ts'
import { changeKeys } from './key-memory.ts'
import { assertMatches } from './precondition.ts'
import { recordKeyEvent } from './record-key-event.ts'
import { holderOf, lockLivingApiKey, type RequestedHolder, requireHolder } from './require-api-key.ts'
import type { ServiceDeps } from './service-deps.ts'

export interface ApiKeyChange {
  name?: string | undefined
  scopes?: Scope[] | undefined
  /** RFC 3339 with an offset; null for never. */
  expiresAt?: string | null | undefined
}

/**
 * Changes what is given, from the next request on.
 * @throws Problem `tenant-not-found`, `api-key-not-found`, `api-key-ended`, `api-key-replaced`, `validation-failed` for an
 * expiry that has passed, `precondition-failed`, `forbidden` for more than the key that calls has itself
 */
export async function updateApiKey(
  { db, now }: Pick<ServiceDeps, 'db' | 'now'>,
  caller: Caller,
  requested: RequestedHolder,
  id: string,
  change: ApiKeyChange,
) {
  const holder = holderOf(caller, requested)
  const at = now()
  const wanted = requestedExpiry(change.expiresAt, at)
  const row = await changeKeys(db, async (tx) => {
    await requireHolder(tx, holder)
    const key = await lockLivingApiKey(tx, holder, id, at)
    assertMatches(caller, () => apiKeyView(key))
    const maker = await keyMaker(tx, caller, at)
    const scopes = scopesAfter(key, change)
    // What the key has now counts, too: nobody touches a key that may do more than their own.
    for (const granted of [key.scopes, scopes]) assertMayGrant(maker, granted)
    const updated = await updateRow(tx, holder, id, {
      name: change.name ?? key.name,
      scopes,
      expires_at: wanted === undefined ? key.expires_at : expiryWithin(maker, wanted),
    })
    await recordKeyEvent(tx, 'api-key.updated', updated)
    const views = changeOf(apiKeyView(key), apiKeyView(updated))
    const what = { tenantId: holder, action: 'api-key.update', resourceId: id, ...views }
    await recordAudit(tx, { actor: caller.actor, ...what })
    return updated
  })
  return apiKeyView(row)
}

function scopesAfter(key: ApiKeyRow, { scopes }: ApiKeyChange): Scope[] {
  return scopes === undefined ? key.scopes : SCOPES.filter((scope) => scopes.includes(scope))
}
