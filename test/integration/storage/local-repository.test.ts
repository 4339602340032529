import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { findOsUser } from '../../../src/lib/os-user.ts'
import { localRepository } from '../../../src/storage/local-repository.ts'
import { archiveStoreContract, type Subject } from './contract.ts'

let dataDirectory: string
let subject: Subject
beforeAll(async () => {
  dataDirectory = await mkdtemp(join(tmpdir(), 'undrop-'))
  await chmod(dataDirectory, 0o711)
  const osUser = await findOsUser('postgres')
  const store = localRepository({ dataDirectory, osUser })
  /** Every directory of a path below another one. */
  const ownedByUser = async (directory: string, path: string) => {
    for (let below = path; below !== '.'; below = dirname(below))
      await chown(join(directory, below), osUser.uid, osUser.gid)
  }
  subject = {
    store,
    async put(archive, files) {
      const { path: directory } = store.repositoryOf(archive, 'write', null)
      for (const [path, sizeBytes] of Object.entries(files)) {
        const made = await mkdir(dirname(join(directory, path)), { recursive: true })
        if (made !== undefined) await ownedByUser(directory, dirname(path))
        await writeFile(join(directory, path), Buffer.alloc(sizeBytes))
      }
    },
  }
})
afterAll(() => rm(dataDirectory, { recursive: true }))

archiveStoreContract(() => subject)
