import { sql } from 'kysely'
import type { Db } from '../db/client.ts'
import { getServer, type ServerRecord } from '../db/servers.ts'
import { findDeletedServers, findServersToKeepRunning } from '../db/unscoped.ts'
import { archiverState, serverClock } from '../postgres/anchor.ts'
import { withAdmin } from '../postgres/connect.ts'
import { observeArchive, setStalled } from './archive-progress.ts'
import { lastArchivedCommit } from './archive-tail.ts'
import { keepRunning } from './keep-running.ts'
import { adminConnection, type WorkDeps } from './server-work.ts'
import { survey } from './survey.ts'

export type ReconcilerReport = (what: {
  serverId: string
  action: 'started' | 'removed' | 'failed'
  error?: unknown
}) => void

/**
 * Makes the host match the rows: starts servers that should run (after a reboot, say), notes what their archives hold
 * and what is missing there, and removes what is left of servers whose row says that they are gone. What no row names is left alone: it may belong
 * to a newer state of the metadata than the one at hand.
 */
export async function reconcile(deps: WorkDeps, report: ReconcilerReport): Promise<void> {
  for (const { id, tenantId, lastArchivedSegment } of await findServersToKeepRunning(deps.db)) {
    try {
      if (await keepRunning(deps, tenantId, id)) report({ serverId: id, action: 'started' })
      await watchArchive(deps, await getServer(deps.db, tenantId, id), lastArchivedSegment)
    } catch (error) {
      report({ serverId: id, action: 'failed', error })
    }
  }
  await survey(deps, ({ serverId, error }) => report({ serverId, action: 'failed', error }))
  await removeLeftovers(deps, report)
}

/** When the archiver has moved on, notes up to where, and the last commit that is safe there. */
async function watchArchive(deps: WorkDeps, server: ServerRecord, lastSeen: string | null): Promise<void> {
  const state = await deps.driver.postgresState(server.serverId)
  // Only its archive is left: nothing can be added to that.
  if (state === 'no-data') return setStalled(deps.db, server, true)
  if (state === 'stopped') return
  const { report, now } = await withAdmin(adminConnection(deps, server), async (client) => ({
    report: await archiverState(client),
    now: await serverClock(client),
  }))
  const segment = report.lastArchivedSegment
  const moved = segment !== null && segment !== lastSeen
  const archive = { deps, server, which: 'own', archiveServerId: server.serverId } as const
  await observeArchive(
    deps.db,
    server,
    report,
    moved ? await lastArchivedCommit(archive, [segment]) : null,
    now,
  )
}

async function removeLeftovers(deps: WorkDeps, report: ReconcilerReport): Promise<void> {
  const instances = await deps.driver.listInstances()
  const archives = (await deps.archives.list()).map(({ serverId }) => serverId)
  for (const { id, tenantId } of await findDeletedServers(deps.db, [
    ...new Set([...instances, ...archives]),
  ])) {
    await deps.driver.destroyInstance(id)
    await deps.archives.destroy(tenantId, id)
    report({ serverId: id, action: 'removed' })
  }
}

/** Runs the work unless another worker is at it. */
export async function exclusively(db: Db, lock: number, work: () => Promise<void>): Promise<void> {
  await db.connection().execute(async (session) => {
    const { rows } = await sql<{ locked: boolean }>`select pg_try_advisory_lock(${lock}) as locked`.execute(
      session,
    )
    if (rows[0]?.locked !== true) return
    try {
      await work()
    } finally {
      await sql`select pg_advisory_unlock(${lock})`.execute(session)
    }
  })
}
