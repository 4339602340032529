import { waitUntil } from '../lib/wait-until.ts'
import { archiverState, isArchived } from '../postgres/anchor.ts'
import { type AdminConnection, withAdmin } from '../postgres/connect.ts'
import { listArchive, type ReadableArchive } from './archive-tail.ts'

const POLL_SECONDS = 1

/** Waits a second at most for a server to archive that segment; whether it has. */
export async function untilArchived(
  archive: ReadableArchive,
  connection: AdminConnection,
  segment: string,
  signal: AbortSignal,
): Promise<boolean> {
  const archived = await withAdmin(connection, (client) =>
    waitUntil(async () => signal.aborted || isArchived(await archiverState(client), segment), {
      timeoutSeconds: POLL_SECONDS,
      everyMilliseconds: 10,
    }),
  )
  if (archived && !signal.aborted) return true
  // A server that has crashed meanwhile has forgotten what it archived; the archive has it.
  return (await listArchive(archive)).includes(segment)
}
