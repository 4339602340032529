import { readBeneath } from '../../lib/read-beneath.ts'
import type { Instance } from './postmaster.ts'

const CHUNK_BYTES = 1024 * 1024
const NEWLINE = 0x0a

/**
 * What postgres has logged from that byte on: whole lines, at most 1 MiB; '' when there are none. Begins anew when the
 * file is shorter than that, as it is another one then.
 */
export async function readServerLog(
  instance: Instance,
  fromByte: number,
): Promise<{ text: string; nextByte: number }> {
  const file = await readLogFile(instance, CHUNK_BYTES, (size) => (fromByte > size ? 0 : fromByte))
  if (file === null) return { text: '', nextByte: 0 }
  const { bytes, start } = file
  const lineEnd = bytes.lastIndexOf(NEWLINE) + 1
  // A line longer than a chunk comes in pieces.
  const length = lineEnd === 0 && bytes.length === CHUNK_BYTES ? CHUNK_BYTES : lineEnd
  return { text: bytes.toString('utf8', 0, length), nextByte: start + length }
}

export async function serverLogBytes(instance: Instance): Promise<number> {
  return (await readLogFile(instance, 0, (size) => size))?.start ?? 0
}

function readLogFile({ paths, osUser }: Instance, maxBytes: number, from: (size: number) => number) {
  return readBeneath(paths.varDirectory, 'log/postgresql.log', { uid: osUser.uid, maxBytes, from })
}
