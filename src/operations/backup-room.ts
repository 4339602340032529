import { sql } from 'kysely'
import type { Db } from '../db/client.ts'
import type { ServerRecord } from '../db/servers.ts'
import type { BackupType } from '../domain/addon.ts'
import { Problem } from '../domain/problem.ts'
import { clusterSize } from '../postgres/cluster-size.ts'
import { adminConnection, asAdmin, type WorkDeps } from './server-work.ts'

/** A database grows from one backup to the next. */
const GROWTH = 1.2

/**
 * Makes sure that a backup fits on the disk, where archives are kept on the disk of the servers: an archive that fills
 * it stops every server on it.
 * @throws Problem `insufficient-disk-space`
 */
export async function assertRoom(deps: WorkDeps, server: ServerRecord, type: BackupType): Promise<void> {
  if (deps.archives.kind !== 'local') return
  const expected =
    (await lastRepositorySize(deps.db, server.serverId, type)) ??
    (await asAdmin(deps, adminConnection(deps, server), clusterSize))
  const { freeBytes } = await deps.driver.diskSpace(server.serverId)
  if (freeBytes < expected * GROWTH) throw new Problem('insufficient-disk-space')
}

/** What the last backup of that type has added to the archive, or else the last full one; null without either. */
async function lastRepositorySize(db: Db, serverId: string, type: BackupType): Promise<number | null> {
  const { rows } = await sql<{ bytes: number | null }>`
    select repository_size_bytes as bytes from backup
     where server_id = ${serverId} and status = 'succeeded' and type in (${type}, 'full')
     order by type = ${type} desc, backup_stopped_at desc limit 1`.execute(db)
  return rows[0]?.bytes ?? null
}
