import { holdApiKey } from '../db/api-keys.ts'
import type { Tx } from '../db/client.ts'
import type { Moment } from '../domain/moment.ts'
import { Problem } from '../domain/problem.ts'
import { allows, type Scope } from '../domain/scopes.ts'
import type { Caller } from './caller.ts'

/** What the key that calls may hand on to another. */
export interface KeyMaker {
  scopes: readonly Scope[]
  /** When it ends itself; null for never. */
  expiresAt: Moment | null
}

/**
 * The key that calls, held until the transaction ends: whoever revokes it waits, and sees the key that it has made.
 * @throws Problem `unauthenticated` when it has been revoked or has expired since the request was let in
 */
export async function keyMaker(tx: Tx, { tenantId, scopes, actor }: Caller, now: Moment): Promise<KeyMaker> {
  if (actor.apiKeyId === null) return { scopes, expiresAt: null }
  const key = await holdApiKey(tx, tenantId, actor.apiKeyId)
  if (key === undefined || !isAlive(key, now)) throw new Problem('unauthenticated')
  return { scopes, expiresAt: key.expires_at }
}

export function isAlive(
  { revoked_at, expires_at }: { revoked_at: Moment | null; expires_at: Moment | null },
  now: Moment,
): boolean {
  return revoked_at === null && (expires_at === null || expires_at > now)
}

/** @throws Problem `forbidden` for a scope that the maker lacks */
export function assertMayGrant(maker: KeyMaker, scopes: readonly Scope[]): void {
  if (!allows(maker.scopes, scopes)) throw new Problem('forbidden', { extensions: { neededScopes: scopes } })
}

/**
 * When a key ends that the maker makes: as long as the maker itself where nothing else is said.
 * @param wanted null for never
 * @throws Problem `forbidden` for an end later than the maker's, so that a leaked key cannot outlive itself
 */
export function expiryWithin(maker: KeyMaker, wanted: Moment | null | undefined): Moment | null {
  const latest = maker.expiresAt
  if (wanted === undefined) return latest
  if (latest === null || (wanted !== null && wanted <= latest)) return wanted
  const detail = `No key lasts longer than the one that makes it, which ends at ${latest}.`
  throw new Problem('forbidden', { detail, extensions: { latestExpiresAt: latest } })
}
