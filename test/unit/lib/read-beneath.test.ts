import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { readBeneath, statDirectoryBeneath } from '../../../src/lib/read-beneath.ts'

const uid = process.getuid?.() ?? 0
let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'undrop-'))
  const path = directory
  onTestFinished(() => rm(path, { recursive: true }))
  await mkdir(join(directory, 'inner'))
  await writeFile(join(directory, 'inner/file'), '0123456789')
})

const read = async (path: string, options = {}) => {
  const found = await readBeneath(directory, path, { uid, maxBytes: 100, ...options })
  return found?.bytes.toString('utf8') ?? null
}

describe('readBeneath', () => {
  test('reads a file below the directory', async () => {
    expect(await read('inner/file')).toBe('0123456789')
  })

  test('reads no more than asked for, from where asked for', async () => {
    expect(await read('inner/file', { maxBytes: 3, from: (size: number) => size - 4 })).toBe('678')
    expect(await read('inner/file', { from: () => 10 })).toBe('')
  })

  test('answers null where nothing is', async () => {
    expect(await read('inner/missing')).toBeNull()
    expect(await read('missing/file')).toBeNull()
    expect(await read('inner/file/below')).toBeNull()
  })

  test('follows no symbolic link, at the end or on the way', async () => {
    await symlink(join(directory, 'inner/file'), join(directory, 'link'))
    await symlink(join(directory, 'inner'), join(directory, 'way'))
    expect(await read('link')).toBeNull()
    expect(await read('way/file')).toBeNull()
  })

  test('reads neither directories nor files of others', async () => {
    expect(await read('inner')).toBeNull()
    expect(await read('inner/file', { uid: uid + 1 })).toBeNull()
  })
})

describe('statDirectoryBeneath', () => {
  test('finds a directory, and neither files nor links', async () => {
    await symlink(join(directory, 'inner'), join(directory, 'link'))
    expect((await statDirectoryBeneath(directory, 'inner'))?.isDirectory()).toBe(true)
    expect(await statDirectoryBeneath(directory, 'inner/file')).toBeNull()
    expect(await statDirectoryBeneath(directory, 'link')).toBeNull()
    expect(await statDirectoryBeneath(directory, 'missing')).toBeNull()
  })
})
