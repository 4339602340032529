import { describe, expect, test } from 'vitest'
import { newId } from '../../../src/domain/ids.ts'
import type { ArchiveName, ArchiveStore, StoredFile } from '../../../src/storage/archive-store.ts'

export interface Subject {
  store: ArchiveStore
  /** Stores files of that many bytes, as pgBackRest does, which knows nothing of the store. */
  put(archive: ArchiveName, files: Record<string, number>): Promise<void>
}

/** More than one page of a listing of S3, which has 1000 keys to a page. */
const MANY = 1203

/** What holds of every archive store. */
export function archiveStoreContract(subject: () => Subject): void {
  const anArchive = (): ArchiveName => ({ tenantId: newId('tenant'), serverId: newId('server') })

  async function withFiles(files: Record<string, number>, archive = anArchive()): Promise<ArchiveName> {
    await subject().store.ensure(archive.tenantId, archive.serverId)
    await subject().put(archive, files)
    return archive
  }

  async function filesOf(archive: ArchiveName, options?: { below?: string; after?: string }) {
    const files: StoredFile[] = []
    for await (const file of subject().store.files(archive, options)) files.push(file)
    return files
  }

  const pathsOf = async (archive: ArchiveName, options?: { below?: string; after?: string }) =>
    (await filesOf(archive, options)).map(({ path }) => path)

  describe('an archive', () => {
    test('is listed while it has files, and no longer when it is destroyed', async () => {
      const { store } = subject()
      const archive = await withFiles({ 'archive/one': 1 })
      const another = await withFiles({ 'archive/one': 1 }, { ...anArchive(), tenantId: archive.tenantId })
      expect(await store.list()).toEqual(expect.arrayContaining([archive, another]))
      await store.destroy(archive.tenantId, archive.serverId)
      expect(await store.list()).not.toContainEqual(archive)
      expect(await store.list()).toContainEqual(another)
    })

    test('can be made again and destroyed again', async () => {
      const { store } = subject()
      const { tenantId, serverId } = await withFiles({ one: 1 })
      await store.ensure(tenantId, serverId)
      expect(await pathsOf({ tenantId, serverId })).toEqual(['one'])
      await store.destroy(tenantId, serverId)
      await store.destroy(tenantId, serverId)
      await withFiles({ two: 2 }, { tenantId, serverId })
      expect(await pathsOf({ tenantId, serverId })).toEqual(['two'])
    })

    test('that never was has no files and can be destroyed', async () => {
      const archive = anArchive()
      expect(await pathsOf(archive)).toEqual([])
      await subject().store.destroy(archive.tenantId, archive.serverId)
    })

    test('is destroyed without a trace, however many files it has', async () => {
      const archive = await withFiles(manyFiles())
      await subject().store.destroy(archive.tenantId, archive.serverId)
      expect(await pathsOf(archive)).toEqual([])
    })

    test('is left alone when one is destroyed whose id its own begins with', async () => {
      const { tenantId, serverId } = await withFiles({ one: 1 })
      const longer = await withFiles({ two: 2 }, { tenantId, serverId: `${serverId}0` })
      const ofLongerTenant = await withFiles({ three: 3 }, { tenantId: `${tenantId}0`, serverId })
      await subject().store.destroy(tenantId, serverId)
      expect(await pathsOf({ tenantId, serverId })).toEqual([])
      expect(await pathsOf(longer)).toEqual(['two'])
      expect(await pathsOf(ofLongerTenant)).toEqual(['three'])
    })

    test.each(['..', '', 'a/b', '.hidden'])('cannot have the id "%s"', async (id) => {
      const { store } = subject()
      const serverId = newId('server')
      await expect(Promise.resolve().then(() => store.destroy(id, serverId))).rejects.toThrow('cannot name')
      await expect(Promise.resolve().then(() => store.destroy(serverId, id))).rejects.toThrow('cannot name')
      expect(() => store.repositoryOf({ tenantId: id, serverId }, 'write', null)).toThrow('cannot name')
    })
  })

  describe('files of an archive', () => {
    test('come with their size and when they were stored', async () => {
      const before = Date.now()
      const archive = await withFiles({ 'backup/empty': 0, 'archive/three': 3 })
      const files = await filesOf(archive)
      expect(files).toMatchObject([
        { path: 'archive/three', sizeBytes: 3 },
        { path: 'backup/empty', sizeBytes: 0 },
      ])
      // Stores keep seconds or milliseconds.
      for (const { modifiedAt } of files)
        expect(Math.abs(Date.parse(modifiedAt) - before)).toBeLessThan(60_000)
    })

    test('come all of them, in the order of their paths, however many there are', async () => {
      const files = manyFiles()
      expect(await pathsOf(await withFiles(files))).toEqual(Object.keys(files).sort())
    })

    test('can be asked for by what their paths begin with, and from a path on', async () => {
      const archive = await withFiles({ 'a/1': 1, 'a/2/x': 1, 'a/2/y': 1, 'a/20': 1, 'b/1': 1, 'c': 1 })
      const [a1, a2x, a2y, a20] = ['a/1', 'a/2/x', 'a/2/y', 'a/20']
      expect(await pathsOf(archive, { below: 'a/' })).toEqual([a1, a2x, a2y, a20])
      expect(await pathsOf(archive, { below: 'a/2' })).toEqual([a2x, a2y, a20])
      expect(await pathsOf(archive, { below: 'a/2/' })).toEqual([a2x, a2y])
      expect(await pathsOf(archive, { after: 'a/2/y' })).toEqual([a20, 'b/1', 'c'])
      expect(await pathsOf(archive, { below: 'a/', after: 'a/2/' })).toEqual([a2x, a2y, a20])
      expect(await pathsOf(archive, { below: 'a/', after: 'b' })).toEqual([])
      expect(await pathsOf(archive, { below: 'absent/' })).toEqual([])
    })
  })

  test('a store that can be used says so, again and again, and is as it was afterwards', async () => {
    const { store } = subject()
    const before = await store.list()
    await Promise.all([store.check(), store.check(), store.check()])
    expect(await store.list()).toEqual(before)
  })
}

const manyFiles = (): Record<string, number> =>
  Object.fromEntries(Array.from({ length: MANY }, (_, n) => [`archive/15-1/${n % 7}/${n}`, 1]))
