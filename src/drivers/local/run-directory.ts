import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { newId } from '../../domain/ids.ts'
import { ensureDirectory, ours } from '../../lib/owned-directory.ts'

/** What `sockaddr_un` holds on Linux, without the terminating NUL (unix(7)). */
const SOCKET_PATH_BYTES = 107

/**
 * Makes and names the directory under which servers have their socket directories: `run` in the data directory, or a
 * short one elsewhere when the path of a socket would become too long.
 */
export async function chooseRunDirectory(dataDirectory: string): Promise<string> {
  const preferred = join(dataDirectory, 'run')
  const longest = join(preferred, newId('server'), '.s.PGSQL.65535')
  // A list of directories is what PostgreSQL reads (unix_socket_directories), so the path has to be a plain one.
  if (Buffer.byteLength(longest) <= SOCKET_PATH_BYTES && /^[\w./-]+$/.test(longest)) {
    await ensureDirectory(preferred, ours(0o711))
    return preferred
  }
  const hash = createHash('sha256').update(dataDirectory).digest('hex').slice(0, 12)
  const uid = process.getuid?.() ?? 0
  if (uid !== 0) {
    const short = `/tmp/undrop-${uid}-${hash}`
    await ensureDirectory(short, ours(0o700))
    return short
  }
  await ensureDirectory('/run/undrop', ours(0o711))
  await ensureDirectory(`/run/undrop/${hash}`, ours(0o711))
  return `/run/undrop/${hash}`
}
