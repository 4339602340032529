import { sql } from 'kysely'
import type { Quotas } from '../domain/quotas.ts'
import type { Executor, Tx } from './client.ts'

/** The quotas of a tenant, whose row is locked until the transaction ends: what counts against them takes turns. */
export function lockTenantQuotas(tx: Tx, tenantId: string): Promise<{ quotas: Quotas } | undefined> {
  const tenant = tx.selectFrom('tenant').select('quotas').where('id', '=', tenantId)
  // Not in the way of rows that refer to the tenant.
  return tenant.where('deleted_at', 'is', null).forNoKeyUpdate().executeTakeFirst()
}

/** How many add-ons there are, those that are being deleted among them: their servers are still there. */
export async function countAddons(ex: Executor, tenantId: string): Promise<number> {
  const { rows } = await sql<{ used: number }>`
    select count(*) as used from addon
     where tenant_id = ${tenantId} and deleted_at is null and purpose = 'service'`.execute(ex)
  return rows[0]?.used ?? 0
}

/** What the archives came to when each was last listed. */
export async function storedBytes(ex: Executor, tenantId: string): Promise<number> {
  const { rows } = await sql<{ used: number }>`
    select coalesce(sum(stored_bytes), 0)::bigint as used from archive
     where tenant_id = ${tenantId} and removed_at is null`.execute(ex)
  return rows[0]?.used ?? 0
}

/** Restores that were asked for within the last hour, however they ended; those that are a part of drills left aside. */
export async function countRestoresLately(ex: Executor, tenantId: string): Promise<number> {
  const { rows } = await sql<{ used: number }>`
    select count(*) as used from restore
     where tenant_id = ${tenantId} and drill_id is null and created_at > now() - interval '1 hour'`.execute(
    ex,
  )
  return rows[0]?.used ?? 0
}

/** Seconds until fewer than `max` restores lie within the last hour; 0 when that is so already. */
export async function secondsUntilRestore(ex: Executor, tenantId: string, max: number): Promise<number> {
  // Once the last but `max` is an hour old, there is room for one.
  const { rows } = await sql<{ seconds: number }>`
    select ceil(extract(epoch from created_at + interval '1 hour' - clock_timestamp()))::integer as seconds
      from restore
     where tenant_id = ${tenantId} and drill_id is null and created_at > now() - interval '1 hour'
     order by created_at desc offset ${max - 1} limit 1`.execute(ex)
  return rows[0] === undefined ? 0 : Math.max(1, rows[0].seconds)
}

/** Operations that run, and those that wait for others to end. */
export async function countOperations(
  ex: Executor,
  tenantId: string,
): Promise<{ running: number; queued: number }> {
  const { rows } = await sql<{ running: number; queued: number }>`
    select count(*) filter (where started_at is not null) as running,
           count(*) filter (where started_at is null) as queued
      from operation where tenant_id = ${tenantId} and finished_at is null`.execute(ex)
  return rows[0] ?? { running: 0, queued: 0 }
}
