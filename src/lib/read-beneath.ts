import { constants, type Stats } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_DIRECTORY } = constants

export interface ReadOptions {
  /** Files of anybody else are refused. */
  uid: number
  maxBytes: number
  /** Where to begin, given the size of the file; at its beginning unless said otherwise. */
  from?: (size: number) => number
}

/**
 * Reads a file below a directory that somebody less privileged fills. Only a regular file of the user's own, reached
 * without any symbolic link below `directory`, counts; null when there is none.
 */
export async function readBeneath(directory: string, path: string, { uid, maxBytes, from }: ReadOptions) {
  await using file = await openBeneath(directory, path, O_NONBLOCK)
  if (file === null) return null
  const found = await file.stat()
  if (!found.isFile() || found.uid !== uid) return null
  const start = from?.(found.size) ?? 0
  const buffer = Buffer.alloc(Math.max(0, Math.min(maxBytes, found.size - start)))
  const { bytesRead } = await file.read(buffer, 0, buffer.length, start)
  return { bytes: buffer.subarray(0, bytesRead), start }
}

/** Looks at a directory in the same careful way. */
export async function statDirectoryBeneath(directory: string, path: string): Promise<Stats | null> {
  await using handle = await openBeneath(directory, path, O_DIRECTORY)
  return (await handle?.stat()) ?? null
}

/** What opening answers for no file, for a link with O_NOFOLLOW, for one with O_DIRECTORY too, and for a socket. */
const NOT_THERE = ['ENOENT', 'ELOOP', 'ENOTDIR', 'ENXIO']

/** Goes from handle to handle, so that no component can be swapped for a link on the way. */
async function openBeneath(directory: string, path: string, flags: number): Promise<FileHandle | null> {
  const components = path.split('/')
  try {
    let handle = await open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    for (const [index, component] of components.entries()) {
      await using parent = handle
      const kind = index === components.length - 1 ? flags : O_DIRECTORY
      handle = await open(`/proc/self/fd/${parent.fd}/${component}`, O_RDONLY | O_NOFOLLOW | kind)
    }
    return handle
  } catch (error) {
    if (NOT_THERE.includes((error as NodeJS.ErrnoException).code ?? '')) return null
    throw error
  }
}
