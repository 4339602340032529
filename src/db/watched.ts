import { sql } from 'kysely'
import type { Protection } from '../domain/addon.ts'
import type { BackupPolicy } from '../domain/backup-policy.ts'
import type { Moment } from '../domain/moment.ts'
import type { Stall, Stalls } from '../domain/protection.ts'
import type { WalGap } from '../domain/recovery-window.ts'
import { canBeRestoredFrom } from './backups.ts'
import type { Executor } from './client.ts'

/** What is known of a server's archive before anybody looks at the server. */
export interface Watched {
  protection: Protection
  /** Everything that stalls it, and what of it is shown. */
  stalls: Stalls
  shown: Stall | null
  gaps: readonly WalGap[]
  nextBackupAt: Moment | null
  /** Of those that can be restored from; while there is none, when archiving began. */
  lastBackupAt: Moment | null
  tenantPolicy: BackupPolicy
  addonPolicy: BackupPolicy
}

export async function readWatched(db: Executor, serverId: string): Promise<Watched> {
  const { rows } = await sql<Watched>`
    select addon.protection, archive.stalls, addon.stalled as shown, archive.gaps,
           archive.next_backup_at as "nextBackupAt",
           coalesce((select max(backup_stopped_at) from backup
                      where backup.server_id = archive.server_id and ${canBeRestoredFrom}),
                    archive.archiving_since) as "lastBackupAt",
           tenant.backup_policy as "tenantPolicy", addon.backup_policy as "addonPolicy"
      from archive
      join server on server.id = archive.server_id
      join addon on addon.id = server.addon_id
      join tenant on tenant.id = server.tenant_id
     where archive.server_id = ${serverId}`.execute(db)
  const [watched] = rows
  if (watched === undefined) throw new Error(`no archive of ${serverId}`)
  return watched
}
