import { sql } from 'kysely'
import type { Moment } from '../domain/moment.ts'
import type { Scope } from '../domain/scopes.ts'
import { inBatches } from '../lib/in-batches.ts'
import type { Executor, Tx } from './client.ts'
import type { ApiKeyRow } from './schema.ts'
import { bounds, type Slice } from './tenant-scope.ts'

interface NewApiKey {
  id: string
  tenant_id: string
  name: string
  /** SHA-256 of the secret, which is kept nowhere. */
  secret_hash: Buffer
  scopes: Scope[]
  expires_at: Moment | null
}

export function insertApiKey(tx: Tx, key: NewApiKey): Promise<ApiKeyRow> {
  return tx.insertInto('api_key').values(key).returningAll().executeTakeFirstOrThrow()
}

/** Finds the key among those of all tenants: its secret says whose it is. Requests that come together ask together. */
export function findApiKeyByHash(ex: Executor, secretHash: Buffer): Promise<ApiKeyRow | undefined> {
  const find = findersByHash.get(ex) ?? inBatches((hashes) => findApiKeys(ex, hashes))
  findersByHash.set(ex, find)
  return find(secretHash.toString('hex'))
}

const findersByHash = new WeakMap<Executor, (hash: string) => Promise<ApiKeyRow | undefined>>()

async function findApiKeys(ex: Executor, hashes: string[]): Promise<Map<string, ApiKeyRow>> {
  const given = hashes.map((hash) => Buffer.from(hash, 'hex'))
  const { rows } = await sql<ApiKeyRow>`select * from api_keys_of(${given}::bytea[])`.execute(ex)
  return new Map(rows.map((row) => [row.secret_hash.toString('hex'), row]))
}

export function listApiKeys(ex: Executor, tenantId: string, slice: Slice): Promise<ApiKeyRow[]> {
  const { limit, after } = bounds(slice)
  return ex
    .selectFrom('api_key')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('id', '>', after)
    .orderBy('id')
    .limit(limit)
    .execute()
}

/** Returns false when the tenant has no such key. A key that is revoked already keeps its time. */
export async function revokeApiKey(tx: Tx, tenantId: string, id: string, now: Moment): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('api_key')
    .set((eb) => ({ revoked_at: eb.fn.coalesce('revoked_at', eb.val(now)) }))
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

export async function revokeAllApiKeys(tx: Tx, tenantId: string, now: Moment): Promise<void> {
  await tx
    .updateTable('api_key')
    .set({ revoked_at: now })
    .where('tenant_id', '=', tenantId)
    .where('revoked_at', 'is', null)
    .execute()
}

/** Remembers that the key was used, unless that is remembered since `unlessSince`. */
export async function touchApiKey(ex: Executor, id: string, now: Moment, unlessSince: Moment): Promise<void> {
  await sql`call touch_api_key(${id}, ${now}, ${unlessSince})`.execute(ex)
}
