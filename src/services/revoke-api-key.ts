import { lockApiKey, updateApiKey } from '../db/api-keys.ts'
import { recordAudit } from '../db/audit.ts'
import { apiKeyView } from './api-key-view.ts'
import type { Caller } from './caller.ts'
import { changeOf } from './change-of.ts'
import { changeKeys } from './key-memory.ts'
import { assertMatches } from './precondition.ts'
import { recordKeyEvent } from './record-key-event.ts'
import { holderOf, type RequestedHolder, requireApiKey, requireHolder } from './require-api-key.ts'
import type { ServiceDeps } from './service-deps.ts'

/**
 * From the next request on the key opens nothing. Revoking it again changes nothing.
 * @throws Problem `tenant-not-found`, `api-key-not-found`, `precondition-failed`
 */
export async function revokeApiKey(
  { db, now }: Pick<ServiceDeps, 'db' | 'now'>,
  caller: Caller,
  requested: RequestedHolder,
  id: string,
): Promise<void> {
  const holder = holderOf(caller, requested)
  await changeKeys(db, async (tx) => {
    await requireHolder(tx, holder)
    const key = await requireApiKey(tx, holder, id, (_, ...which) => lockApiKey(tx, ...which))
    assertMatches(caller, () => apiKeyView(key))
    if (key.revoked_at !== null) return
    const revoked = await updateApiKey(tx, holder, id, { revoked_at: now() })
    await recordKeyEvent(tx, 'api-key.revoked', revoked)
    const change = changeOf(apiKeyView(key), apiKeyView(revoked))
    const what = { tenantId: holder, action: 'api-key.revoke', resourceId: id, ...change }
    await recordAudit(tx, { actor: caller.actor, ...what })
  })
}
