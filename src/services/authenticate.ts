import { timingSafeEqual } from 'node:crypto'
import { findApiKey, findApiKeyByHash, touchApiKey } from '../db/api-keys.ts'
import { hashApiKey, isWholeApiKey } from '../domain/credentials.ts'
import { addSeconds, type Moment } from '../domain/moment.ts'
import { allows, SCOPES, type Scope } from '../domain/scopes.ts'
import type { Caller } from './caller.ts'
import { isAlive } from './key-maker.ts'
import type { ServiceDeps } from './service-deps.ts'

const TOUCH_EVERY_SECONDS = 60

export interface Identity {
  apiKeyId: string | null
  tenantId: Caller['tenantId']
  scopes: readonly Scope[]
}

/**
 * Whose key that is; null when it is nobody's, or has expired or been revoked. Asked of the database at every request, so
 * that a revocation acts at the next one. Keys that are unknown, expired or revoked cost the same: one look at an index
 * of digests. What its time tells is how digests sort, and nobody can choose a secret by its SHA-256; the configured key,
 * which is compared here, is compared in constant time.
 */
export async function authenticate(
  { db, platformKeyHash, now }: Pick<ServiceDeps, 'db' | 'platformKeyHash' | 'now'>,
  secret: string,
): Promise<Identity | null> {
  const hash = hashApiKey(secret)
  if (timingSafeEqual(hash, platformKeyHash)) return { apiKeyId: null, tenantId: null, scopes: SCOPES }
  if (!isWholeApiKey(secret)) return null

  const key = await findApiKeyByHash(db, hash)
  if (key === undefined || key.revoked_at !== null) return null
  const at = now()
  if (key.expires_at !== null && key.expires_at <= at) return null

  const lately = addSeconds(at, -TOUCH_EVERY_SECONDS)
  if (key.last_used_at === null || key.last_used_at < lately) await touchApiKey(db, key.id, at, lately)
  return { apiKeyId: key.id, tenantId: key.tenant_id, scopes: key.tenant_id === null ? SCOPES : key.scopes }
}

/** Whether a key that was let in when a long answer began would be so still; the key of the configuration always is. */
export async function keyIsGood(
  db: ServiceDeps['db'],
  { tenantId, actor: { apiKeyId } }: Caller,
  needed: readonly Scope[],
  now: Moment,
): Promise<boolean> {
  if (apiKeyId === null) return true
  const key = await findApiKey(db, tenantId, apiKeyId)
  if (key === undefined || !isAlive(key, now)) return false
  return tenantId === null || allows(key.scopes, needed)
}
