import { join } from 'node:path'
import type { Repository } from '../../../src/domain/repository.ts'
import { s3Archives } from '../../../src/storage/s3.ts'
import type { BareServer } from '../../support/bare-server.ts'
import { s3Ground } from '../../support/s3-ground.ts'

/** Where the archive of a server is. */
export interface Place {
  repository: Repository
  /** Keys of the place, beside the passphrase of the archive. */
  secrets: string[]
  /** Removes what is at a path below the repository; '' for all of it. */
  remove(below: string): Promise<unknown>
}

/** Below the server's directory, unless the file of tests calls `keepArchivesOnS3` first. */
export let placeOf = async (server: BareServer): Promise<Place> => {
  const path = join(server.paths.spoolDirectory, 'repository')
  const remove = (below: string) => server.run({ argv: ['rm', '-rf', join(path, below)] })
  return { repository: { type: 'posix', path }, secrets: [], remove }
}

export function keepArchivesOnS3(): void {
  placeOf = async ({ serverId }) => {
    const { place, ownerKey, removeBelow } = await s3Ground({ prefix: 'archives' })
    const archive = { tenantId: 'tenant', serverId }
    return {
      repository: s3Archives(place, ownerKey).repositoryOf(archive, 'write', null),
      secrets: [ownerKey.secretAccessKey],
      remove: (below) => removeBelow(`archives/tenant/${serverId}/${below}`),
    }
  }
}
