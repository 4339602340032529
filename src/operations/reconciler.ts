import { sql } from 'kysely'
import type { Db } from '../db/client.ts'
import { getServer } from '../db/servers.ts'
import { findDeletedServers, findServersToKeepRunning, type RunningServer } from '../db/unscoped.ts'
import { keepRunning } from './keep-running.ts'
import { refreshConfig } from './refresh-config.ts'
import { refreshServer } from './refresh-server.ts'
import type { WorkDeps } from './server-work.ts'
import type { StoreWatch } from './store-watch.ts'
import { watchServer } from './watch-server.ts'

export type ReconcilerReport = (what: {
  serverId: string
  action: 'started' | 'removed' | 'left-alone' | 'failed'
  error?: unknown
}) => void

/** So that one that is slow does not hold up the others. */
const SERVERS_AT_ONCE = 8

/**
 * Makes the host match the rows: starts servers that should run (after a reboot, say), looks after their archives, and
 * removes what is left of servers whose row says that they are gone. What no row names is left alone: it may belong to
 * a newer state of the metadata than the one at hand.
 */
export async function reconcile(deps: WorkDeps, store: StoreWatch, report: ReconcilerReport): Promise<void> {
  const refusal = await store.refusal(deps)
  // All take from the same ones.
  const servers = (await findServersToKeepRunning(deps.db)).values()
  const lookAfterSome = async () => {
    for (const server of servers) await lookAfter(deps, server, refusal, report)
  }
  await Promise.all(Array.from({ length: SERVERS_AT_ONCE }, lookAfterSome))
  await removeLeftovers(deps, report)
}

async function lookAfter(
  deps: WorkDeps,
  server: RunningServer,
  refusal: unknown,
  report: ReconcilerReport,
): Promise<void> {
  const { id: serverId, tenantId } = server
  try {
    if (await keepRunning(deps, tenantId, serverId)) report({ serverId, action: 'started' })
    const record = await getServer(deps.db, tenantId, serverId)
    await refreshConfig(deps, record)
    await refreshServer(deps, record)
    await watchServer(deps, server, refusal)
  } catch (error) {
    report({ serverId, action: 'failed', error })
  }
}

/** Archives are not listed here: a store may take its time (src/operations/stored-archives.ts, src/operations/survey.ts). */
async function removeLeftovers(deps: WorkDeps, report: ReconcilerReport): Promise<void> {
  for (const { id } of await findDeletedServers(deps.db, await deps.driver.listInstances())) {
    await deps.driver.destroyInstance(id)
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
