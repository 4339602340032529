import { timingSafeEqual } from 'node:crypto'
import { findApiKey, findApiKeyByHash, touchApiKey } from '../db/api-keys.ts'
import { hashApiKey } from '../domain/credentials.ts'
import { addSeconds, type Moment } from '../domain/moment.ts'
import { SCOPES, type Scope } from '../domain/scopes.ts'
import type { Caller } from './caller.ts'
import type { ServiceDeps } from './service-deps.ts'

const TOUCH_EVERY_SECONDS = 60

export interface Identity {
  apiKeyId: string | null
  tenantId: Caller['tenantId']
  scopes: readonly Scope[]
}

/** Whose key that is; null when it is nobody's, or has expired or been revoked. */
export async function authenticate(
  { db, platformKeyHash, now }: Pick<ServiceDeps, 'db' | 'platformKeyHash' | 'now'>,
  secret: string,
): Promise<Identity | null> {
  const hash = hashApiKey(secret)
  if (timingSafeEqual(hash, platformKeyHash)) return { apiKeyId: null, tenantId: null, scopes: SCOPES }

  const key = await findApiKeyByHash(db, hash)
  if (key === undefined || key.revoked_at !== null) return null
  const at = now()
  if (key.expires_at !== null && key.expires_at <= at) return null

  const lately = addSeconds(at, -TOUCH_EVERY_SECONDS)
  if (key.last_used_at === null || key.last_used_at < lately) await touchApiKey(db, key.id, at, lately)
  return { apiKeyId: key.id, tenantId: key.tenant_id, scopes: key.tenant_id === null ? SCOPES : key.scopes }
}

/** Whether a key that was good when a long answer began is so still; the key of the configuration always is. */
export async function keyIsGood(
  db: ServiceDeps['db'],
  apiKeyId: string | null,
  now: Moment,
): Promise<boolean> {
  if (apiKeyId === null) return true
  const key = await findApiKey(db, apiKeyId)
  return key !== undefined && key.revoked_at === null && (key.expires_at === null || key.expires_at > now)
}
