import { type Insertable, sql } from 'kysely'
import type { CompleteBackupPolicy } from '../domain/backup-policy.ts'
import type { Db, Executor, Tx } from './client.ts'
import type { DrillRow, DrillTable } from './schema.ts'
import { inSlice, rowsOf, type Slice } from './slice.ts'
import { inScope, type TenantScope } from './tenant-scope.ts'

export function insertDrill(tx: Tx, drill: Insertable<DrillTable>): Promise<DrillRow> {
  return tx.insertInto('drill').values(drill).returningAll().executeTakeFirstOrThrow()
}

export function findDrill(ex: Executor, scope: TenantScope, id: string): Promise<DrillRow | undefined> {
  return ex.selectFrom('drill').selectAll().where(inScope(scope)).where('id', '=', id).executeTakeFirst()
}

export function listDrills(
  ex: Executor,
  scope: TenantScope,
  addonId: string,
  slice: Slice,
): Promise<DrillRow[]> {
  const drills = ex.selectFrom('drill').selectAll().where(inScope(scope)).where('addon_id', '=', addonId)
  return drills.where(inSlice('drill', slice)).orderBy('id').limit(rowsOf(slice)).execute()
}

/** The drill of that add-on that has not finished. */
export function findOpenDrill(
  ex: Executor,
  tenantId: string,
  addonId: string,
): Promise<DrillRow | undefined> {
  const drills = ex.selectFrom('drill').selectAll().where('tenant_id', '=', tenantId)
  return drills.where('addon_id', '=', addonId).where('finished_at', 'is', null).executeTakeFirst()
}

// From here on, queries that see every tenant: for the sweeper only.

const BATCH = 500

/**
 * Plans the next drill wherever the schedule is stale: `drillEvery` after the last scheduled one, and the first one
 * after a share of it that the server's id decides, so that drills of many add-ons spread evenly.
 */
export async function planDrills(db: Db, policy: CompleteBackupPolicy): Promise<void> {
  for (;;) {
    const planned = await db.transaction().execute(async (tx) => {
      const serverIds = await lockDrillsToPlan(tx, BATCH)
      await planLocked(tx, policy, serverIds)
      return serverIds.length
    })
    if (planned < BATCH) return
  }
}

/** Archives whose drills are to be planned; they are locked, so that what changes meanwhile marks them again. */
async function lockDrillsToPlan(tx: Tx, limit: number): Promise<string[]> {
  const { rows } = await sql<{ serverId: string }>`
    select server_id as "serverId" from archive
     where drill_stale and archiving_since is not null and keep_until is null
     order by server_id limit ${limit} for update skip locked`.execute(tx)
  return rows.map(({ serverId }) => serverId)
}

/** A statement of its own: only that sees what was changed until the rows were locked. */
async function planLocked(
  tx: Tx,
  { drillEvery }: CompleteBackupPolicy,
  serverIds: readonly string[],
): Promise<void> {
  if (serverIds.length === 0) return
  await sql`
    update archive set next_drill_at = plan.at, drill_stale = false
      from (select archive.server_id,
                   case when addon.purpose = 'service' then coalesce((select max(drill.created_at) from drill
                              where drill.source_server_id = archive.server_id and drill.scheduled) + policy.every,
                            archive.archiving_since + policy.every * (abs(hashtext(archive.server_id)::bigint) / 2147483648.0)
                           ) end as at
              from archive join server on server.id = archive.server_id
              join addon on addon.id = server.addon_id
              join tenant on tenant.id = addon.tenant_id
              cross join lateral (
                select (case when addon.backup_policy ? 'drillEvery' then addon.backup_policy ->> 'drillEvery'
                             when tenant.backup_policy ? 'drillEvery' then tenant.backup_policy ->> 'drillEvery'
                             else ${drillEvery}::text end)::interval as every
              ) as policy
             where archive.server_id = any(${serverIds}::text[])
           ) as plan
     where archive.server_id = plan.server_id`.execute(tx)
}

export interface DueDrill {
  addonId: string
  tenantId: string
}

/** One that takes longer is stuck, and holds up nobody else's. */
const SCHEDULED_HOURS_MAX = 24
/** Of whatever origin: each takes the disk and the processors of a restore. */
const OPEN_MAX = 4

/**
 * The add-on whose drill is due for longest, of those that can be restored and are not being drilled; null while another
 * scheduled drill is going on, or too many that were asked for.
 */
export async function findDueDrill(db: Executor): Promise<DueDrill | null> {
  const { rows } = await sql<DueDrill>`
    select addon.id as "addonId", addon.tenant_id as "tenantId"
      from archive join server on server.id = archive.server_id
      join addon on addon.server_id = server.id
     where archive.next_drill_at <= now() and archive.removed_at is null
       and addon.status = 'available' and addon.purpose = 'service'
       and exists (select from backup where backup.server_id = server.id and backup.status = 'succeeded'
                      and backup.damaged_at is null and backup.expired_at is null)
       and not exists (select from drill where drill.addon_id = addon.id and drill.finished_at is null)
       and not exists (select from drill where drill.scheduled and drill.finished_at is null
                          and drill.created_at > now() - make_interval(hours => ${SCHEDULED_HOURS_MAX}))
       and (select count(*) from drill where drill.finished_at is null) < ${OPEN_MAX}
     order by archive.next_drill_at limit 1`.execute(db)
  return rows[0] ?? null
}

/** Asks drills to end whose add-on is to be deleted, also such as were between two operations when that was asked. */
export async function cancelDrillsBeforeDeletion(db: Executor): Promise<void> {
  await sql`
    update operation set cancel_requested = true, run_at = now() from drill join addon on addon.id = drill.addon_id
     where drill.finished_at is null and addon.status in ('deleting', 'deleted')
       and operation.server_id = drill.child_server_id and operation.finished_at is null
       and not operation.cancel_requested`.execute(db)
}
