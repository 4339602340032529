import { timingSafeEqual } from 'node:crypto'
import { findApiKey, findApiKeyByHash, touchApiKey } from '../db/api-keys.ts'
import { isWholeApiKey } from '../domain/credentials.ts'
import { addSeconds, type Moment } from '../domain/moment.ts'
import { allows, SCOPES, type Scope } from '../domain/scopes.ts'
import type { Caller } from './caller.ts'
import { isAlive } from './key-maker.ts'
import { keyMemory } from './key-memory.ts'
import type { ServiceDeps } from './service-deps.ts'

const TOUCH_EVERY_SECONDS = 60

export interface Identity {
  apiKeyId: string | null
  tenantId: Caller['tenantId']
  scopes: readonly Scope[]
}

type Deps = Pick<ServiceDeps, 'db' | 'platformKeyHash' | 'now'>

/**
 * Finds out whose key that is, by the key and its SHA-256; null when it is nobody's, or has expired or been revoked. A key
 * that opens something is asked for again after a moment only, which whoever changes it waits for (`changeKeys`): a
 * revocation that is answered acts at the next request. Keys that are unknown, expired or revoked cost the same: one look
 * at an index of digests. What its time tells is how digests sort, and nobody can choose a secret by its SHA-256; the
 * configured key, which is compared here, is compared in constant time.
 */
export function authenticator(deps: Deps) {
  const memory = keyMemory<Found>()

  return async (secret: string, hash: Buffer): Promise<Identity | null> => {
    if (timingSafeEqual(hash, deps.platformKeyHash)) return PLATFORM
    const name = hash.toString('base64url')
    const found = memory.get(name) ?? (await memory.learn(name, () => lookUp(deps, secret, hash)))
    return found === undefined || hasExpired(found, deps) ? null : found.identity
  }
}

interface Found {
  identity: Identity
  expiresAt: Moment | null
}

const PLATFORM: Identity = { apiKeyId: null, tenantId: null, scopes: SCOPES }

const hasExpired = ({ expiresAt }: Pick<Found, 'expiresAt'>, { now }: Pick<Deps, 'now'>) =>
  expiresAt !== null && expiresAt <= now()

async function lookUp({ db, now }: Deps, secret: string, hash: Buffer): Promise<Found | undefined> {
  if (!isWholeApiKey(secret)) return undefined
  const key = await findApiKeyByHash(db, hash)
  if (key === undefined || !isAlive(key, now())) return undefined

  const at = now()
  const lately = addSeconds(at, -TOUCH_EVERY_SECONDS)
  if (key.last_used_at === null || key.last_used_at < lately) await touchApiKey(db, key.id, at, lately)
  const scopes = key.tenant_id === null ? SCOPES : key.scopes
  return { identity: { apiKeyId: key.id, tenantId: key.tenant_id, scopes }, expiresAt: key.expires_at }
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
