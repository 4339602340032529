import { sql } from 'kysely'
import type { Moment } from '../domain/moment.ts'
import type { Executor, Tx } from './client.ts'

// Archives that outlive their add-ons.

/** The server is gone, and its port is free again; its archive can be restored from for that long. */
export async function keepArchive(tx: Tx, serverId: string, days: number): Promise<Moment> {
  await sql`update server set port = null, desired_state = 'absent', deleted_at = coalesce(deleted_at, now())
             where id = ${serverId}`.execute(tx)
  const { rows } = await sql<{ until: Moment }>`
    update archive set keep_until = coalesce(keep_until, now() + make_interval(days => ${days}))
     where server_id = ${serverId} returning keep_until as until`.execute(tx)
  const [row] = rows
  if (row === undefined) throw new Error(`no archive of ${serverId}`)
  return row.until
}

/** Nothing more is planned for an add-on that is to be deleted. */
export async function stopSchedule(tx: Tx, tenantId: string, serverId: string): Promise<void> {
  await tx
    .updateTable('archive')
    .set({
      next_backup_at: null,
      next_backup_type: null,
      next_drill_at: null,
      schedule_stale: false,
      drill_stale: false,
    })
    .where('tenant_id', '=', tenantId)
    .where('server_id', '=', serverId)
    .execute()
}

/** What it takes to restore from the archive of a deleted add-on. */
export async function readKept(
  ex: Executor,
  tenantId: string,
  serverId: string,
): Promise<{ until: Moment | null; purging: boolean }> {
  const { rows } = await sql<{ until: Moment | null; purging: boolean }>`
    select case when removed_at is null then keep_until end as until,
           exists (select from operation where operation.server_id = archive.server_id
                      and kind = 'archive.purge' and finished_at is null) as purging
      from archive where tenant_id = ${tenantId} and server_id = ${serverId}`.execute(ex)
  return rows[0] ?? { until: null, purging: false }
}

/** Until when archives of the tenant's deleted add-ons are kept; null when none is. */
export async function keptUntil(ex: Executor, tenantId: string): Promise<Moment | null> {
  const { rows } = await sql<{ until: Moment | null }>`
    select max(keep_until) as until from archive
     where tenant_id = ${tenantId} and keep_until is not null and removed_at is null`.execute(ex)
  return rows[0]?.until ?? null
}

/** Whether an add-on of the server has a base backup that a restore could begin with. */
export async function hasCompleteBackup(ex: Executor, serverId: string): Promise<boolean> {
  const backup = ex
    .selectFrom('backup')
    .select('id')
    .where('server_id', '=', serverId)
    .where('status', '=', 'succeeded')
  return (await backup.limit(1).executeTakeFirst()) !== undefined
}
