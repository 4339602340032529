import { sql } from 'kysely'
import type { Moment } from '../domain/moment.ts'
import type { Scope } from '../domain/scopes.ts'
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

/** Finds the key among those of all tenants: its secret says whose it is. */
export async function findApiKeyByHash(ex: Executor, secretHash: Buffer): Promise<ApiKeyRow | undefined> {
  const { rows } = await sql<ApiKeyRow>`select * from api_key_of(${secretHash})`.execute(ex)
  return rows[0]
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

/** Of those that the database at hand reaches. */
export function findApiKey(ex: Executor, id: string): Promise<ApiKeyRow | undefined> {
  return ex.selectFrom('api_key').selectAll().where('id', '=', id).executeTakeFirst()
}

/** Whoever changes a key locks its row first. */
export function lockApiKey(tx: Tx, tenantId: string, id: string): Promise<ApiKeyRow | undefined> {
  const key = tx.selectFrom('api_key').selectAll().where('tenant_id', '=', tenantId).where('id', '=', id)
  return key.forUpdate().executeTakeFirst()
}

/** A key that is revoked already keeps its time. */
export function revokeApiKey(tx: Tx, tenantId: string, id: string, now: Moment): Promise<ApiKeyRow> {
  return tx
    .updateTable('api_key')
    .set((eb) => ({ revoked_at: eb.fn.coalesce('revoked_at', eb.val(now)) }))
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow()
}

/** Returns those that were good until now. */
export function revokeAllApiKeys(
  tx: Tx,
  tenantId: string,
  now: Moment,
): Promise<{ id: string; name: string }[]> {
  return tx
    .updateTable('api_key')
    .set({ revoked_at: now })
    .where('tenant_id', '=', tenantId)
    .where('revoked_at', 'is', null)
    .returning(['id', 'name'])
    .execute()
}

/** Remembers that the key was used, unless that is remembered since `unlessSince`. */
export async function touchApiKey(ex: Executor, id: string, now: Moment, unlessSince: Moment): Promise<void> {
  await sql`call touch_api_key(${id}, ${now}, ${unlessSince})`.execute(ex)
}
