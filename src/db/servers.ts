import { sql } from 'kysely'
import type { ServerSettings } from '../domain/addon.ts'
import type { Moment } from '../domain/moment.ts'
import type { Executor } from './client.ts'

/** One server with what it needs from its add-on and its archive. Secrets are sealed. */
export interface ServerRecord {
  serverId: string
  tenantId: string
  addonId: string
  port: number | null
  settings: ServerSettings
  postgresVersion: number
  databaseName: string
  username: string
  passwordSealed: string
  cipherPassSealed: string
  storageKeySealed: string | null
  /** Whether its WAL has ever been shipped to its archive. */
  hasArchived: boolean
}

/** The server, also one that is deleted: its archive may still be read. */
export async function getServer(db: Executor, tenantId: string, serverId: string): Promise<ServerRecord> {
  const { rows } = await sql<ServerRecord>`
    select server.id as "serverId", server.tenant_id as "tenantId", server.addon_id as "addonId", server.port,
           server.settings, addon.postgres_version as "postgresVersion", addon.database_name as "databaseName",
           addon.username, addon.password_sealed as "passwordSealed", archive.cipher_pass_sealed as "cipherPassSealed",
           archive.archiving_since is not null as "hasArchived", tenant.storage_key_sealed as "storageKeySealed"
      from server
      join tenant on tenant.id = server.tenant_id
      join addon on addon.id = server.addon_id
      join archive on archive.server_id = server.id
     where server.tenant_id = ${tenantId} and server.id = ${serverId}`.execute(db)
  const [server] = rows
  if (server === undefined) throw new Error(`no server ${serverId}`)
  return server
}

/**
 * Reserves a free port of the range for the server in place of the one it has been read with, and none of `taken`.
 * Returns what the server has then: null when none is free, another one when somebody else was faster.
 */
export async function reservePort(
  db: Executor,
  server: { serverId: string; port: number | null },
  range: { first: number; last: number },
  taken: readonly number[] = [],
): Promise<number | null> {
  await sql`
    update server set port = (
      select candidate from generate_series(${range.first}::int, ${range.last}::int) as candidate
       where candidate <> all (${taken}::int[])
         and not exists (select from server as other where other.port = candidate)
       order by random() limit 1)
     where id = ${server.serverId} and port is not distinct from ${server.port}`.execute(db)
  const { rows } = await sql<{
    port: number | null
  }>`select port from server where id = ${server.serverId}`.execute(db)
  return rows[0]?.port ?? null
}

export async function saveSettings(db: Executor, serverId: string, settings: ServerSettings): Promise<void> {
  await db
    .updateTable('server')
    .set({ settings: JSON.stringify(settings) })
    .where('id', '=', serverId)
    .execute()
}

export async function setDesiredState(
  db: Executor,
  serverId: string,
  state: 'absent' | 'running',
): Promise<void> {
  await db.updateTable('server').set({ desired_state: state }).where('id', '=', serverId).execute()
}

/** From now on there may be an archive in the store, which has to be removed with the server. */
export async function noteMaking(db: Executor, serverId: string): Promise<void> {
  await sql`update archive set made_at = coalesce(made_at, now()) where server_id = ${serverId}`.execute(db)
}

/** Whether there may be an archive of the server in the store. */
export async function mayHaveArchive(db: Executor, serverId: string): Promise<boolean> {
  const { rows } = await sql`
    select from archive
     where server_id = ${serverId} and (made_at is not null or archiving_since is not null)`.execute(db)
  return rows.length === 1
}

/** From now on there is WAL in the archive that is nowhere else. */
export async function noteArchiving(db: Executor, serverId: string): Promise<void> {
  await sql`update archive set archiving_since = coalesce(archiving_since, now()) where server_id = ${serverId}`.execute(
    db,
  )
}

/** What the server's archive was last seen to hold. Only ever less than what it holds now. */
export async function getArchived(
  db: Executor,
  serverId: string,
): Promise<{ lastSegment: string | null; lastCommitAt: Moment | null }> {
  const { rows } = await sql<{ lastSegment: string | null; lastCommitAt: Moment | null }>`
    select last_archived_segment as "lastSegment", last_commit_at as "lastCommitAt"
      from archive where server_id = ${serverId}`.execute(db)
  return rows[0] ?? { lastSegment: null, lastCommitAt: null }
}

/** The server and its archive are gone: the port is free again, and backups can no longer be used. */
export async function forgetServer(db: Executor, serverId: string): Promise<void> {
  await sql`update server set port = null, desired_state = 'absent', deleted_at = coalesce(deleted_at, now())
             where id = ${serverId}`.execute(db)
  await sql`
    update archive set removed_at = coalesce(removed_at, now()), next_backup_at = null, schedule_stale = false
     where server_id = ${serverId}`.execute(db)
}

/** Of these servers, those that a row knows and does not call deleted. */
export async function presentServers(db: Executor, serverIds: readonly string[]): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from server where id = any(${serverIds}) and deleted_at is null`.execute(db)
  return rows.map(({ id }) => id)
}
