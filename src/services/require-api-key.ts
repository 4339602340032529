import { findApiKey, type KeyHolder, lockApiKey } from '../db/api-keys.ts'
import type { Executor, Tx } from '../db/client.ts'
import type { ApiKeyRow } from '../db/schema.ts'
import { holdTenant } from '../db/tenants.ts'
import { isId } from '../domain/ids.ts'
import type { Moment } from '../domain/moment.ts'
import { Problem } from '../domain/problem.ts'
import { type Caller, tenantOf } from './caller.ts'
import { isAlive } from './key-maker.ts'
import { requireTenant } from './read-tenants.ts'

/** Whose keys a request is about: those of the tenant that it names, or the platform's own. */
export type RequestedHolder = { tenantId: string } | 'platform'

/** @throws Problem `tenant-not-found` for another tenant's, `forbidden` for the platform's unless that calls */
export function holderOf(caller: Caller, requested: RequestedHolder): KeyHolder {
  if (requested !== 'platform') return tenantOf(caller, requested.tenantId)
  if (caller.tenantId !== null) throw new Problem('forbidden')
  return null
}

/** @throws Problem `tenant-not-found` */
export async function requireHolder(ex: Executor, holder: KeyHolder): Promise<void> {
  if (holder !== null) await requireTenant(ex, holder)
}

/**
 * Keeps the tenant, for which a key is to be made, until the transaction ends.
 * @throws Problem `tenant-not-found`
 */
export async function holdHolder(tx: Tx, holder: KeyHolder): Promise<void> {
  if (holder !== null && (await holdTenant(tx, holder)) === undefined) throw new Problem('tenant-not-found')
}

/** @throws Problem `api-key-not-found` */
export async function requireApiKey(
  ex: Executor,
  holder: KeyHolder,
  id: string,
  find: typeof findApiKey = findApiKey,
): Promise<ApiKeyRow> {
  const key = isId('apiKey', id) ? await find(ex, holder, id) : undefined
  if (key === undefined) throw new Problem('api-key-not-found')
  return key
}

/**
 * A key that opens something and has no successor, for changing.
 * @throws Problem `api-key-not-found`, `api-key-ended`, `api-key-replaced`
 */
export async function lockLivingApiKey(
  tx: Tx,
  holder: KeyHolder,
  id: string,
  now: Moment,
): Promise<ApiKeyRow> {
  const key = await requireApiKey(tx, holder, id, (_, ...which) => lockApiKey(tx, ...which))
  if (!isAlive(key, now)) throw new Problem('api-key-ended')
  const { replaced_by: replacedBy } = key
  if (replacedBy !== null) throw new Problem('api-key-replaced', { extensions: { replacedBy } })
  return key
}
