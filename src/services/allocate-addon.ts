import { type AddonWithPort, insertAddon } from '../db/addons.ts'
import type { Tx } from '../db/client.ts'
import { insertCredential } from '../db/credentials.ts'
import { breaksUnique } from '../db/sql-state.ts'
import type { AddonStatus, RestoredFrom, ServerSettings } from '../domain/addon.ts'
import type { BackupPolicy } from '../domain/backup-policy.ts'
import { OWNER } from '../domain/credential.ts'
import { newCipherPass, newPassword, newUsername } from '../domain/credentials.ts'
import { newId } from '../domain/ids.ts'
import { Problem } from '../domain/problem.ts'
import { type KeyRing, sealContext } from '../secrets/key-ring.ts'

export interface NewAddon {
  tenantId: string
  name: string
  status: AddonStatus
  postgresVersion: number
  databaseName: string
  labels: Record<string, string>
  backupPolicy: BackupPolicy
  deletionProtection: boolean
  restoredFrom: RestoredFrom | null
  settings: ServerSettings
}

/**
 * Writes an add-on with a server and an archive of its own, and seals its credentials before anything uses them.
 * @throws Problem `addon-name-taken`
 */
export async function allocateAddon(
  tx: Tx,
  keyRing: KeyRing,
  id: string,
  addon: NewAddon,
): Promise<AddonWithPort> {
  const serverId = newId('server')
  const owner = { tenant_id: addon.tenantId }
  const rows = {
    addon: {
      ...owner,
      id,
      name: addon.name,
      status: addon.status,
      postgres_version: addon.postgresVersion,
      database_name: addon.databaseName,
      username: newUsername(),
      password_sealed: keyRing.seal(newPassword(), sealContext.addonPassword(id)),
      labels: JSON.stringify(addon.labels),
      backup_policy: JSON.stringify(addon.backupPolicy),
      deletion_protection: addon.deletionProtection,
      server_id: serverId,
      restored_from: addon.restoredFrom && JSON.stringify(addon.restoredFrom),
    },
    server: { ...owner, id: serverId, addon_id: id, settings: JSON.stringify(addon.settings) },
    archive: {
      ...owner,
      server_id: serverId,
      cipher_pass_sealed: keyRing.seal(newCipherPass(), sealContext.archiveCipher(serverId)),
    },
  }
  const row = await insertAddon(tx, rows).catch(nameTaken)
  const credential = { id: newId('credential'), ...owner, addon_id: id }
  await insertCredential(tx, { ...credential, name: OWNER, access: 'owner', status: 'active' })
  return row
}

/** Tells the client's mistake from a bug. */
export function nameTaken(error: unknown): never {
  throw breaksUnique(error, 'addon_name_of_tenant')
    ? new Problem('addon-name-taken', { cause: error })
    : error
}
