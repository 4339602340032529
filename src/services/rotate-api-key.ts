import { updateApiKey } from '../db/api-keys.ts'
import { recordAudit } from '../db/audit.ts'
import type { Tx } from '../db/client.ts'
import type { ApiKeyRow } from '../db/schema.ts'
import { addSeconds, type Moment } from '../domain/moment.ts'
import { apiKeyView } from './api-key-view.ts'
import type { Caller } from './caller.ts'
import { changeOf } from './change-of.ts'
import { makeApiKey } from './create-api-key.ts'
import { requestedExpiry } from './key-expiry.ts'
import { assertMayGrant, expiryWithin, keyMaker } from './key-maker.ts'
import { changeKeys } from './key-memory.ts'
import { recordKeyEvent } from './record-key-event.ts'
import { holderOf, holdHolder, lockLivingApiKey, type RequestedHolder } from './require-api-key.ts'
import type { ServiceDeps } from './service-deps.ts'

export interface RotationInput {
  /** How long the old key goes on working; 0 revokes it at once. */
  overlapSeconds: number
  /** RFC 3339 with an offset, or null for never; that of the old key where it is not given. */
  expiresAt?: string | null | undefined
}

/**
 * Makes a key with the name and the scopes of another, which ends after the overlap, and never later than it would have.
 * The only answer that holds the new key's secret.
 * @throws Problem `tenant-not-found`, `api-key-not-found`, `api-key-ended`, `api-key-replaced` for one that has been
 * rotated, `validation-failed` for an expiry that has passed, `forbidden` for more than the key that calls has itself
 */
export async function rotateApiKey(
  { db, now }: Pick<ServiceDeps, 'db' | 'now'>,
  caller: Caller,
  requested: RequestedHolder,
  id: string,
  { overlapSeconds, expiresAt }: RotationInput,
) {
  const holder = holderOf(caller, requested)
  const at = now()
  const wanted = requestedExpiry(expiresAt, at)
  const { row, secret } = await changeKeys(db, async (tx) => {
    await holdHolder(tx, holder)
    const old = await lockLivingApiKey(tx, holder, id, at)
    const maker = await keyMaker(tx, caller, at)
    assertMayGrant(maker, old.scopes)
    const { name, scopes } = old
    const end = wanted === undefined ? earlier(old.expires_at, maker.expiresAt) : expiryWithin(maker, wanted)
    const made = await makeApiKey(tx, { holder, name, scopes, expiresAt: end })
    const replaced = await endAfter(tx, old, made.row.id, at, overlapSeconds)
    await recordKeyEvent(tx, 'api-key.created', made.row)
    await recordKeyEvent(tx, 'api-key.rotated', replaced)
    const views = changeOf(apiKeyView(old), apiKeyView(replaced))
    const what = { tenantId: holder, action: 'api-key.rotate', resourceId: id, ...views }
    await recordAudit(tx, { actor: caller.actor, ...what, detail: { overlapSeconds } })
    return made
  })
  return { ...apiKeyView(row), secret }
}

function endAfter(tx: Tx, old: ApiKeyRow, replacedBy: string, now: Moment, overlapSeconds: number) {
  // At once is revoked: an expiry would leave it to the clocks of other processes.
  const end =
    overlapSeconds === 0
      ? { revoked_at: now }
      : { expires_at: earlier(old.expires_at, addSeconds(now, overlapSeconds)) }
  return updateApiKey(tx, old.tenant_id, old.id, { replaced_by: replacedBy, ...end })
}

/** Null is never. */
function earlier(one: Moment | null, other: Moment | null): Moment | null {
  if (one === null || other === null) return one ?? other
  return one < other ? one : other
}
