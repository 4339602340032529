import { sql } from 'kysely'
import type { AddonStatus, OperationKind, Protection } from '../domain/addon.ts'
import type { StallCode } from '../domain/protection.ts'
import { canBeRestoredFrom } from './backups.ts'
import type { Executor } from './client.ts'
import type { ObservationName } from './observations.ts'
import { readWebhookNumbers, type WebhookNumbers } from './webhook-numbers.ts'

// Numbers over all tenants, for metrics only: none of them names a tenant.

export interface Fleet {
  addons: { status: AddonStatus; protection: Protection; count: number }[]
  stalled: { code: StallCode; count: number }[]
  archives: ArchiveNumbers
  operationsOpen: { kind: OperationKind; count: number }[]
  operationsOverdue: number
  webhooks: WebhookNumbers
  drills: { oldestSuccessSeconds: number | null; failed: number }
  observations: { name: ObservationName; value: number; ageSeconds: number }[]
}

export interface ArchiveNumbers {
  /** Of running, protected add-ons: the oldest WAL that waits, and how many have some older than the limit. */
  lagSeconds: number
  lagging: number
  /** Since the longest ago that anybody looked after one of them. */
  unwatchedSeconds: number
  /** The oldest last backup that can be restored from; while there is none, the beginning of archiving. */
  backupAgeSeconds: number
  backupsOverdue: number
  gaps: number
  storedBytes: number
  /** Of deleted add-ons. */
  kept: number
}

/** An operation that nobody has come to for this long is stuck. */
const OVERDUE_SECONDS = 60

export async function readFleet(
  db: Executor,
  { lagLimitSeconds }: { lagLimitSeconds: number },
): Promise<Fleet> {
  const addons = await sql<Fleet['addons'][number]>`
    select status, protection, count(*) from addon
     where deleted_at is null and purpose = 'service' group by status, protection`.execute(db)
  const stalled = await sql<Fleet['stalled'][number]>`
    select stalled ->> 'code' as code, count(*) from addon
     where protection = 'stalled' and deleted_at is null group by 1`.execute(db)
  const open = await sql<Fleet['operationsOpen'][number]>`
    select kind, count(*) from operation where finished_at is null group by kind`.execute(db)
  const observed = await sql<Fleet['observations'][number]>`
    select name, value, extract(epoch from now() - observed_at)::float8 as "ageSeconds" from observation`.execute(
    db,
  )
  return {
    addons: addons.rows,
    stalled: stalled.rows,
    archives: await readArchives(db, lagLimitSeconds),
    operationsOpen: open.rows,
    operationsOverdue: await countOverdue(db),
    drills: await readDrills(db),
    webhooks: await readWebhookNumbers(db),
    observations: observed.rows,
  }
}

async function readArchives(db: Executor, lagLimitSeconds: number): Promise<ArchiveNumbers> {
  const { rows } = await sql<ArchiveNumbers>`
    with watched as (
      select archive.stalls, archive.gaps,
             extract(epoch from now() - archive.observed_at) as unwatched,
             case when archive.lag_seconds > 0
                  then archive.lag_seconds + extract(epoch from now() - archive.observed_at) else 0 end as lag,
             extract(epoch from now() - coalesce(last.stopped_at, archive.archiving_since)) as backup_age
        from addon
        join archive on archive.server_id = addon.server_id
        left join lateral (
          select max(backup_stopped_at) as stopped_at from backup
           where backup.server_id = addon.server_id and ${canBeRestoredFrom}
        ) as last on true
       where addon.status = 'available' and addon.protection <> 'pending' and addon.purpose = 'service'
    ), stored as (
      select coalesce(sum(stored_bytes), 0)::float8 as bytes, count(*) filter (where keep_until is not null) as kept
        from archive where removed_at is null
    )
    select coalesce(max(lag), 0)::float8 as "lagSeconds",
           count(*) filter (where lag > ${lagLimitSeconds}) as lagging,
           coalesce(max(unwatched), 0)::float8 as "unwatchedSeconds",
           coalesce(max(backup_age), 0)::float8 as "backupAgeSeconds",
           count(*) filter (where stalls ? 'backup-overdue') as "backupsOverdue",
           count(*) filter (where gaps <> '[]') as gaps,
           (select bytes from stored) as "storedBytes", (select kept from stored) as kept
      from watched`.execute(db)
  const [numbers] = rows
  if (numbers === undefined) throw new Error('an aggregate has one row')
  return numbers
}

async function countOverdue(db: Executor): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*) from operation
     where finished_at is null and started_at is not null
       and run_at < now() - make_interval(secs => ${OVERDUE_SECONDS})
       and (lease_until is null or lease_until < now())`.execute(db)
  return rows[0]?.count ?? 0
}

/** Of the last finished drill of each add-on that serves. */
async function readDrills(db: Executor): Promise<Fleet['drills']> {
  const { rows } = await sql<Fleet['drills']>`
    select extract(epoch from now() - min(success.at))::float8 as "oldestSuccessSeconds",
           count(*) filter (where last.status = 'failed') as failed
      from addon
      left join lateral (
        select status from drill where addon_id = addon.id and finished_at is not null and status <> 'cancelled'
         order by finished_at desc limit 1
      ) as last on true
      left join lateral (
        select finished_at as at from drill
         where addon_id = addon.id and finished_at is not null and status = 'succeeded'
         order by finished_at desc limit 1
      ) as success on true
     where addon.status = 'available' and addon.purpose = 'service'`.execute(db)
  return rows[0] ?? { oldestSuccessSeconds: null, failed: 0 }
}
