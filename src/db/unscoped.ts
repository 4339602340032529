import { sql } from 'kysely'
import type { Executor, Tx } from './client.ts'

// Queries that see every tenant: for the sweeper and the reconciler only.

export interface DueOperation {
  operationId: string
  version: number
}

/** Operations whose time has come by more than `lateSeconds` and that nobody holds: their wake-up was lost. */
export async function findOverdueOperations(
  db: Executor,
  lateSeconds: number,
  limit: number,
): Promise<DueOperation[]> {
  const { rows } = await sql<DueOperation>`
    select id as "operationId", version from operation
     where finished_at is null and started_at is not null
       and run_at < now() - make_interval(secs => ${lateSeconds}) and (lease_until is null or lease_until < now())
     order by run_at limit ${limit}`.execute(db)
  return rows
}

/** The oldest queued operations of every tenant, no more of each than it has free slots, and those that need none. */
export async function findStartableOperations(
  db: Executor,
  tenantId: string | null,
  limit: number,
): Promise<DueOperation[]> {
  const { rows } = await sql<DueOperation>`
    with waiting as (
      select distinct tenant_id from operation
       where started_at is null and finished_at is null and (${tenantId}::text is null or tenant_id = ${tenantId})
    )
    select next.id as "operationId", next.version
      from waiting join tenant on tenant.id = waiting.tenant_id
      cross join lateral (
        select count(*) as running from operation
         where tenant_id = tenant.id and started_at is not null and finished_at is null
           and failure is null and kind <> 'addon.delete'
      ) as busy
      cross join lateral (
        select id, version from operation
         where tenant_id = tenant.id and started_at is null and finished_at is null
           and (cancel_requested or kind = 'addon.delete')
        union
        (select id, version from operation
          where tenant_id = tenant.id and started_at is null and finished_at is null
          order by id
          limit greatest(tenant.max_concurrent_operations - busy.running, 0))
      ) as next
     limit ${limit}`.execute(db)
  return rows
}

/** Asks work to end that goes on, or was opened since, on servers whose add-on is to be deleted. */
export async function cancelWorkBeforeDeletion(db: Executor): Promise<void> {
  await sql`
    update operation set cancel_requested = true, run_at = now() from addon
     where addon.status = 'deleting' and operation.server_id = addon.server_id and operation.finished_at is null
       and operation.kind <> 'addon.delete' and not operation.cancel_requested`.execute(db)
}

/** Add-ons to be deleted on whose server nothing is open any more. */
export async function findDeletableAddons(
  db: Executor,
  limit: number,
): Promise<{ id: string; tenantId: string; serverId: string }[]> {
  const { rows } = await sql<{ id: string; tenantId: string; serverId: string }>`
    select addon.id, addon.tenant_id as "tenantId", addon.server_id as "serverId" from addon
     where addon.status = 'deleting'
       and not exists (select from operation where operation.server_id = addon.server_id and operation.finished_at is null)
     limit ${limit}`.execute(db)
  return rows
}

/** Add-ons that serve without a complete backup, and on which nobody has worked for that long: longer after each failure. */
export async function findUnprotectedAddons(
  db: Executor,
  idleSeconds: number,
  limit: number,
): Promise<{ id: string; tenantId: string; serverId: string }[]> {
  const { rows } = await sql<{ id: string; tenantId: string; serverId: string }>`
    select addon.id, addon.tenant_id as "tenantId", addon.server_id as "serverId" from addon
     where addon.status = 'available' and addon.protection = 'pending'
       and not exists (select from operation where operation.server_id = addon.server_id
                          and (operation.finished_at is null
                               or operation.finished_at > now() - make_interval(secs => ${idleSeconds} * (
                                    select least(2 ^ count(*), 60) from operation as failed
                                     where failed.server_id = addon.server_id and failed.status = 'failed'))))
     limit ${limit}`.execute(db)
  return rows
}

export interface RunningServer {
  id: string
  tenantId: string
  addonId: string
  lastArchivedSegment: string | null
}

/** Servers that are to be running and that no operation works on. */
export async function findServersToKeepRunning(db: Executor): Promise<RunningServer[]> {
  const { rows } = await sql<RunningServer>`
    select server.id, server.tenant_id as "tenantId", server.addon_id as "addonId",
           archive.last_archived_segment as "lastArchivedSegment"
      from server join archive on archive.server_id = server.id
     where server.desired_state = 'running'
       and not exists (select from operation
                        where operation.server_id = server.id and operation.finished_at is null
                          and operation.kind in ('addon.delete', 'restore.run', 'addon.provision'))`.execute(
    db,
  )
  return rows
}

/** Of these servers, those whose row says that they are gone: what is left of them can be removed. */
export async function findDeletedServers(
  db: Executor,
  serverIds: readonly string[],
): Promise<{ id: string; tenantId: string }[]> {
  if (serverIds.length === 0) return []
  const { rows } = await sql<{ id: string; tenantId: string }>`
    select server.id, server.tenant_id as "tenantId" from server
     where server.id = any(${serverIds}) and server.deleted_at is not null
       and not exists (select from operation where operation.server_id = server.id and operation.finished_at is null)`.execute(
    db,
  )
  return rows
}

/** Which of these archives have a row, and whether it says that the archive is gone. */
export async function findKnownArchives(
  db: Executor,
  serverIds: readonly string[],
): Promise<Map<string, { canBeRemoved: boolean }>> {
  const { rows } = await sql<{ serverId: string; canBeRemoved: boolean }>`
    select server_id as "serverId",
           removed_at is not null
             and not exists (select from operation
                              where operation.server_id = archive.server_id and operation.finished_at is null)
             as "canBeRemoved"
      from archive where server_id = any(${serverIds})`.execute(db)
  return new Map(rows.map(({ serverId, canBeRemoved }) => [serverId, { canBeRemoved }]))
}

export interface KeptArchive {
  serverId: string
  tenantId: string
  addonId: string
}

/** Archives of deleted add-ons whose time is over and that nobody reads or works on. */
export async function findArchivesToPurge(db: Executor, limit: number): Promise<KeptArchive[]> {
  const { rows } = await sql<KeptArchive>`
    select archive.server_id as "serverId", archive.tenant_id as "tenantId", server.addon_id as "addonId"
      from archive join server on server.id = archive.server_id
     where archive.keep_until < now() and archive.removed_at is null and server.deleted_at is not null
       and not exists (select from restore where restore.source_server_id = server.id and restore.finished_at is null)
       and not exists (select from operation where operation.server_id = server.id and operation.finished_at is null)
     order by archive.keep_until limit ${limit}`.execute(db)
  return rows
}

/** Whether that can still be said of it, now that nobody else can change it until the transaction ends. */
export async function lockForPurge(tx: Tx, { serverId, addonId }: KeptArchive): Promise<boolean> {
  await sql`select from addon where id = ${addonId} for update`.execute(tx)
  const reader = await sql`
    select from restore where source_server_id = ${serverId} and finished_at is null limit 1`.execute(tx)
  return reader.rows.length === 0
}
