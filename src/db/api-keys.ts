import { type ExpressionBuilder, sql } from 'kysely'
import type { Moment } from '../domain/moment.ts'
import type { Scope } from '../domain/scopes.ts'
import { inBatches } from '../lib/in-batches.ts'
import type { Executor, Tx } from './client.ts'
import type { ApiKeyRow, Metadata } from './schema.ts'
import { inSlice, rowsOf, type Slice } from './slice.ts'
import { inScope, type TenantScope } from './tenant-scope.ts'

/** The tenant that a key belongs to; null for the platform. */
export type KeyHolder = string | null

interface NewApiKey {
  id: string
  tenant_id: KeyHolder
  name: string
  /** SHA-256 of the secret, which is kept nowhere. */
  secret_hash: Buffer
  scopes: Scope[]
  expires_at: Moment | null
}

type ApiKeyChange = Partial<Pick<ApiKeyRow, 'name' | 'scopes' | 'expires_at' | 'revoked_at' | 'replaced_by'>>

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

export function findApiKey(ex: Executor, holder: KeyHolder, id: string): Promise<ApiKeyRow | undefined> {
  return keysOf(ex, holder).where('id', '=', id).executeTakeFirst()
}

/** In the scope, whoever holds it there. */
export function findApiKeyIn(ex: Executor, scope: TenantScope, id: string): Promise<ApiKeyRow | undefined> {
  return ex.selectFrom('api_key').selectAll().where(inScope(scope)).where('id', '=', id).executeTakeFirst()
}

/** Keeps others from changing the key until the transaction ends. */
export function lockApiKey(tx: Tx, holder: KeyHolder, id: string): Promise<ApiKeyRow | undefined> {
  return keysOf(tx, holder).where('id', '=', id).forUpdate().executeTakeFirst()
}

/** Keeps the key from being revoked until the transaction ends; others may do the same at once. */
export function holdApiKey(tx: Tx, holder: KeyHolder, id: string): Promise<ApiKeyRow | undefined> {
  return keysOf(tx, holder).where('id', '=', id).forShare().executeTakeFirst()
}

export function listApiKeys(ex: Executor, holder: KeyHolder, slice: Slice): Promise<ApiKeyRow[]> {
  return keysOf(ex, holder).where(inSlice('api_key', slice)).orderBy('id').limit(rowsOf(slice)).execute()
}

export function updateApiKey(
  tx: Tx,
  holder: KeyHolder,
  id: string,
  change: ApiKeyChange,
): Promise<ApiKeyRow> {
  return tx
    .updateTable('api_key')
    .set(change)
    .where(heldBy(holder))
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow()
}

/** Returns those that were good until now. */
export function revokeAllApiKeys(tx: Tx, tenantId: string, now: Moment): Promise<ApiKeyRow[]> {
  return tx
    .updateTable('api_key')
    .set({ revoked_at: now })
    .where('tenant_id', '=', tenantId)
    .where('revoked_at', 'is', null)
    .returningAll()
    .execute()
}

/** Remembers that the key was used, unless that is remembered since `unlessSince`. */
export async function touchApiKey(ex: Executor, id: string, now: Moment, unlessSince: Moment): Promise<void> {
  await sql`call touch_api_key(${id}, ${now}, ${unlessSince})`.execute(ex)
}

function keysOf(ex: Executor, holder: KeyHolder) {
  return ex.selectFrom('api_key').selectAll().where(heldBy(holder))
}

const heldBy = (holder: KeyHolder) => (eb: ExpressionBuilder<Metadata, 'api_key'>) =>
  holder === null ? eb('tenant_id', 'is', null) : eb('tenant_id', '=', holder)
