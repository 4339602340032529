import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { OsUser } from '../lib/os-user.ts'
import { ensureDirectory, ours, removeUserDirectory } from '../lib/owned-directory.ts'
import { assertPlainName } from '../lib/plain-name.ts'
import { unless } from '../lib/unless.ts'
import type { ArchiveName, ArchiveStore } from './archive-store.ts'

/** Archives below Undrop's data directory: one directory for each server, by tenant, which only the OS user can open. */
export function localRepository({
  dataDirectory,
  osUser,
}: {
  dataDirectory: string
  osUser: OsUser
}): ArchiveStore {
  const root = join(dataDirectory, 'archives')
  const tenantDirectory = (tenantId: string) => join(root, assertPlainName(tenantId))
  const pathOf = (tenantId: string, serverId: string) =>
    join(tenantDirectory(tenantId), assertPlainName(serverId))
  const namesIn = async (path: string) => (await readdir(path).catch(unless('ENOENT'))) ?? []

  return {
    pathOf,

    async ensure(tenantId, serverId) {
      await ensureDirectory(root, ours(0o711))
      await ensureDirectory(tenantDirectory(tenantId), ours(0o711))
      await ensureDirectory(pathOf(tenantId, serverId), { uid: osUser.uid, gid: osUser.gid, mode: 0o700 })
    },

    // The tenant's directory stays, as another of its archives may be in the making.
    destroy: (tenantId, serverId) => removeUserDirectory(pathOf(tenantId, serverId), osUser),

    async list() {
      const archives: ArchiveName[] = []
      for (const tenantId of await namesIn(root)) {
        for (const serverId of await namesIn(join(root, tenantId))) archives.push({ tenantId, serverId })
      }
      return archives
    },
  }
}
