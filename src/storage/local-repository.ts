import { lstat, readdir } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { momentOfMicros } from '../domain/moment.ts'
import { Problem } from '../domain/problem.ts'
import type { OsUser } from '../lib/os-user.ts'
import { ensureDirectory, ours, removeUserDirectory } from '../lib/owned-directory.ts'
import { assertPlainName } from '../lib/plain-name.ts'
import { unless } from '../lib/unless.ts'
import type { ArchiveName, ArchiveStore, StoredFile } from './archive-store.ts'

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

  return {
    kind: 'local',

    repositoryOf: ({ tenantId, serverId }) => ({ type: 'posix', path: pathOf(tenantId, serverId) }),

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

    async *files({ tenantId, serverId }, { below = '', after = '' } = {}) {
      const archive = pathOf(tenantId, serverId)
      for (const path of await pathsBelow(archive, below)) {
        const file = path > after ? await describe(archive, path) : null
        if (file !== null) yield file
      }
    },

    async check() {
      try {
        await ensureDirectory(root, ours(0o711))
      } catch (cause) {
        throw new Problem('archive-unreachable', { cause })
      }
    },

    async checkKeys() {
      throw new Problem('storage-not-s3')
    },
  }
}

const namesIn = async (path: string) => (await readdir(path).catch(unless('ENOENT'))) ?? []

/** Paths of everything below the directory that begin with `below`, sorted; directories among them. */
async function pathsBelow(archive: string, below: string): Promise<string[]> {
  const directory = below.slice(0, below.lastIndexOf('/') + 1)
  const names = (await readdir(join(archive, directory), { recursive: true }).catch(unless('ENOENT'))) ?? []
  return names
    .map((name) => directory + name.replaceAll(sep, '/'))
    .filter((path) => path.startsWith(below))
    .sort()
}

/** Null for what is no file, or is gone by now. */
async function describe(archive: string, path: string): Promise<StoredFile | null> {
  const found = (await lstat(join(archive, path)).catch(unless('ENOENT'))) ?? null
  if (found?.isFile() !== true) return null
  const modifiedAt = momentOfMicros(BigInt(Math.floor(found.mtimeMs * 1000)))
  return { path, sizeBytes: found.size, modifiedAt }
}
