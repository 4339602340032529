import { sql } from 'kysely'
import type { BackupType } from '../domain/addon.ts'
import type { BackupPolicy, CompleteBackupPolicy } from '../domain/backup-policy.ts'
import type { Moment } from '../domain/moment.ts'
import { canBeRestoredFrom } from './backups.ts'
import type { Executor, Tx } from './client.ts'

// When base backups are due. These queries see every tenant: they are for the sweeper and for workflows.

/** What the schedule of one archive follows from. */
export interface SchedulingFacts {
  serverId: string
  tenantPolicy: BackupPolicy
  addonPolicy: BackupPolicy
  /** Complete, and to be restored from. */
  backups: readonly { type: BackupType; stoppedAt: Moment }[]
  /** WAL is missing that no backup has made up for. */
  hasOpenGap: boolean
  now: Moment
}

const facts = sql<SchedulingFacts>`
  archive.server_id as "serverId", tenant.backup_policy as "tenantPolicy", addon.backup_policy as "addonPolicy",
  coalesce((select json_agg(json_build_object('type', type, 'stoppedAt',
                   to_char(backup_stopped_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')))
              from backup where backup.server_id = archive.server_id and ${canBeRestoredFrom}
               and backup_stopped_at is not null), '[]') as backups,
  coalesce(archive.gaps @? '$[*] ? (@.to == null)', false) as "hasOpenGap", now() as now`

const archives = sql`
  archive join server on server.id = archive.server_id
          join addon on addon.id = server.addon_id and addon.server_id = server.id
          join tenant on tenant.id = archive.tenant_id`

/**
 * Archives whose schedule follows from something that has changed, and whose add-on has a first backup. They are locked,
 * so that what changes meanwhile marks them again.
 */
export async function lockArchivesToPlan(tx: Tx, limit: number): Promise<string[]> {
  const { rows } = await sql<{ serverId: string }>`
    select server_id as "serverId" from archive
     where schedule_stale and archiving_since is not null and keep_until is null
       and exists (select from server join addon on addon.id = server.addon_id and addon.server_id = server.id
                    where server.id = archive.server_id
                      and addon.status = 'available' and addon.protection <> 'pending')
     order by server_id limit ${limit} for update skip locked`.execute(tx)
  return rows.map(({ serverId }) => serverId)
}

/** Locks one archive for the same reason. */
export async function lockArchive(tx: Tx, serverId: string): Promise<void> {
  await sql`select from archive where server_id = ${serverId} for update`.execute(tx)
}

/** For archives that a statement before has locked: only then no change goes unseen. */
export async function readSchedulingFacts(
  tx: Executor,
  serverIds: readonly string[],
): Promise<SchedulingFacts[]> {
  const { rows } = await sql<SchedulingFacts>`
    select ${facts} from ${archives} where archive.server_id = any(${serverIds}::text[])`.execute(tx)
  return rows
}

export interface PlannedBackup {
  serverId: string
  at: Moment
  type: 'full' | 'differential'
}

/** One statement for all of them. */
export async function savePlans(db: Executor, plans: readonly PlannedBackup[]): Promise<void> {
  if (plans.length === 0) return
  await sql`
    update archive set next_backup_at = plan.at, next_backup_type = plan.type, schedule_stale = false
      from unnest(${plans.map(({ serverId }) => serverId)}::text[], ${plans.map(({ at }) => at)}::timestamptz[],
                  ${plans.map(({ type }) => type)}::text[]) as plan (server_id, at, type)
     where archive.server_id = plan.server_id`.execute(db)
}

export interface DueBackup extends SchedulingFacts {
  tenantId: string
  addonId: string
  type: 'full' | 'differential'
}

/**
 * Backups whose time has come on servers that nobody works on, the oldest first: found by `archive_backup_due`. A tenant
 * whose own limit holds a scheduled backup back has no more of them queued behind it.
 */
export async function findDueBackups(db: Executor, limit: number): Promise<DueBackup[]> {
  const { rows } = await dueBackups(limit).execute(db)
  return rows
}

/** For rows of `tenant`: whether fewer of its operations run than may. */
const hasFreeSlot = sql<boolean>`(
  select count(*) from operation as busy
   where busy.tenant_id = tenant.id and busy.started_at is not null and busy.finished_at is null
     and busy.failure is null and busy.kind <> 'addon.delete') < tenant.max_concurrent_operations`

/** The same as a query of its own, so that its plan can be looked at. */
export const dueBackups = (limit: number) => sql<DueBackup>`
  select ${facts}, archive.tenant_id as "tenantId", addon.id as "addonId", archive.next_backup_type as type
    from ${archives}
   where archive.next_backup_at <= now() and archive.keep_until is null
     and addon.status = 'available' and addon.protection <> 'pending'
     and addon.stalled ->> 'code' is distinct from 'server-lost'
     and not exists (select from operation where operation.server_id = archive.server_id
                        and operation.finished_at is null and operation.exclusive)
     and (${hasFreeSlot}
          or not exists (select from operation join backup on backup.id = operation.memo ->> 'backupId'
                          where operation.tenant_id = tenant.id and operation.kind = 'backup.take'
                            and operation.started_at is null and operation.finished_at is null and backup.scheduled))
   order by archive.next_backup_at limit ${limit}`

/** Takes a due backup off the schedule; false when somebody else has. Whoever ends the backup plans the next one. */
export async function takeOffSchedule(db: Executor, serverId: string): Promise<boolean> {
  const { numAffectedRows } = await sql`
    update archive set next_backup_at = null
     where server_id = ${serverId} and next_backup_at <= now()`.execute(db)
  return numAffectedRows === 1n
}

/** What is due of add-ons that are no more would be looked at in every sweep. */
export async function forgetSchedulesOfGone(db: Executor): Promise<void> {
  await sql`
    update archive set next_backup_at = null from server join addon on addon.id = server.addon_id
     where archive.next_backup_at <= now() and server.id = archive.server_id
       and (addon.status in ('failed', 'deleting', 'deleted') or addon.server_id <> server.id)`.execute(db)
}

/**
 * Base backups that are open: begun, waiting for a slot of the host or running, and scheduled ones that may begin. Those
 * on request that have not begun do not count, nor does what waits for its tenant's own limit: else one tenant could
 * keep those of all others from being opened.
 */
export async function countOpenBackups(db: Executor): Promise<{ scheduled: number; onRequest: number }> {
  const { rows } = await sql<{ scheduled: number; onRequest: number }>`
    select count(*) filter (where is_scheduled and (started_at is not null or may_begin)) as scheduled,
           count(*) filter (where not is_scheduled and started_at is not null) as "onRequest"
      from (select operation.started_at, coalesce(backup.scheduled, false) as is_scheduled, ${hasFreeSlot} as may_begin
              from operation join tenant on tenant.id = operation.tenant_id
              left join backup on backup.id = operation.memo ->> 'backupId'
             where operation.finished_at is null and operation.kind = 'backup.take') as open`.execute(db)
  return rows[0] ?? { scheduled: 0, onRequest: 0 }
}

/** The schedule of these archives is worked out anew: of one server, or of all add-ons of a tenant. */
export async function markScheduleStale(
  db: Executor,
  whose: { tenantId: string; serverId?: string },
): Promise<void> {
  await sql`
    update archive set schedule_stale = true, drill_stale = true
     where tenant_id = ${whose.tenantId} and (${whose.serverId ?? null}::text is null or server_id = ${whose.serverId ?? null})
       and removed_at is null`.execute(db)
}

/** Remembers what tenants have that say nothing else. When it has changed, every schedule is worked out anew. */
export async function notePlatformPolicy(db: Executor, policy: CompleteBackupPolicy): Promise<void> {
  await sql`
    with changed as (
      insert into platform_policy (backup_policy) values (${JSON.stringify(policy)})
      on conflict (only_one) do update set backup_policy = excluded.backup_policy
        where platform_policy.backup_policy is distinct from excluded.backup_policy
      returning 1
    )
    update archive set schedule_stale = true, drill_stale = true where removed_at is null and exists (select from changed)`.execute(
    db,
  )
}
