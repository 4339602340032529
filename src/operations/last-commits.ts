import { join } from 'node:path'
import { getServer } from '../db/servers.ts'
import { Problem } from '../domain/problem.ts'
import { archiverRests } from '../domain/server-stalls.ts'
import { waitUntil } from '../lib/wait-until.ts'
import { untilAdmitted } from '../postgres/admission.ts'
import { archiverState, commitMarkerAfter, isArchived, serverClock } from '../postgres/anchor.ts'
import { withAdmin } from '../postgres/connect.ts'
import { noteArchived } from './archive-progress.ts'
import { lastArchivedCommit, listArchive } from './archive-tail.ts'
import { keepRunning } from './keep-running.ts'
import { adminConnection, asAdmin, type ServerRef, type WorkDeps } from './server-work.ts'

// What is committed last on a server that is to go, brought into its archive.

/** `gone`: it has nothing more to archive, or nobody can have it do so. */
export type Answer<Result> = 'gone' | 'not-yet' | Result

const ADMITTED_SECONDS = 5
const ARCHIVED_SECONDS = 1

/**
 * Commits a marker and ends its WAL segment, so that all that has been committed can be archived. A server that has
 * crashed is started for it. Returns the segment.
 */
export async function endSegment(deps: WorkDeps, ref: ServerRef): Promise<Answer<{ segment: string }>> {
  const server = await getServer(deps.db, ref.tenantId, ref.serverId)
  if (server.port === null || (await deps.driver.postgresState(ref.serverId)) === 'no-data') return 'gone'
  await keepRunning(deps, ref.tenantId, ref.serverId)
  const connection = adminConnection(deps, server)
  if (!(await untilAdmitted(connection, ADMITTED_SECONDS))) return 'not-yet'
  return asAdmin(deps, connection, async (client) => commitMarkerAfter(client, await serverClock(client)))
}

/**
 * Waits a moment for that segment to be archived. A server that has crashed meanwhile has to be started again: `stopped`.
 * Otherwise says which segment was archived last, null when PostgreSQL does not know.
 */
export async function awaitArchived(
  deps: WorkDeps,
  ref: ServerRef,
  segment: string,
  signal: AbortSignal,
): Promise<Answer<'archived' | 'stopped' | { lastArchived: string | null }>> {
  const server = await getServer(deps.db, ref.tenantId, ref.serverId)
  const state = await deps.driver.postgresState(ref.serverId)
  if (state !== 'running') return state === 'stopped' ? 'stopped' : 'gone'
  const connection = adminConnection(deps, server)
  if (!(await untilAdmitted(connection, ADMITTED_SECONDS))) return 'not-yet'
  return withAdmin(connection, async (client) => {
    const archived = await waitUntil(
      async () => signal.aborted || isArchived(await archiverState(client), segment),
      { timeoutSeconds: ARCHIVED_SECONDS, everyMilliseconds: 10 },
    )
    if (archived && !signal.aborted) return 'archived'
    // It would rest for up to a minute.
    const archiver = await archiverState(client)
    if (archiverRests(archiver)) await deps.driver.reloadPostgres(ref.serverId)
    return { lastArchived: archiver.lastArchivedSegment }
  })
}

/** Whether the store is away or refuses, so that nothing can be archived at present. */
export async function storeRefuses({ archives }: WorkDeps): Promise<boolean> {
  try {
    await archives.check()
    return false
  } catch (error) {
    if (error instanceof Problem && error.code === 'archive-unreachable') return true
    throw error
  }
}

/** Whether a stopped server has WAL that its shutdown could not archive: PostgreSQL keeps a `.ready` file for it. */
export async function hasWalLeft(deps: WorkDeps, { serverId }: ServerRef): Promise<boolean> {
  if ((await deps.driver.postgresState(serverId)) === 'no-data') return false
  const directory = join(deps.driver.paths(serverId).dataDirectory, 'pg_wal', 'archive_status')
  const { stdout } = await deps.driver.run(serverId, { argv: ['ls', directory] })
  return stdout.split('\n').some((name) => name.endsWith('.ready'))
}

/** Looks up what the archive of a stopped server ends with, and notes it. */
export async function noteEnd(deps: WorkDeps, ref: ServerRef): Promise<void> {
  const server = await getServer(deps.db, ref.tenantId, ref.serverId)
  if (server.port === null || (await deps.driver.postgresState(ref.serverId)) === 'no-data') return
  const archive = { deps, server, which: 'own', archiveServerId: ref.serverId } as const
  const segments = await listArchive(archive)
  const lastCommit = await lastArchivedCommit(archive, segments)
  const progress = { archivedAt: null, lagSeconds: 0 }
  await noteArchived(deps.db, ref.serverId, { ...progress, segment: segments.at(-1) ?? null, lastCommit })
}
