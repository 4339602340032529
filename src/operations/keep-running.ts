import { sql } from 'kysely'
import { getServer } from '../db/servers.ts'
import { startServer, type WorkDeps } from './server-work.ts'

/**
 * Starts a server that should run and does not. Its row is locked meanwhile, so that nobody else starts it and no
 * deletion begins in between. Returns whether it was started here, which is not yet whether it came up.
 */
export async function keepRunning(deps: WorkDeps, tenantId: string, serverId: string): Promise<boolean> {
  if ((await deps.driver.postgresState(serverId)) !== 'stopped') return false
  return deps.db.transaction().execute(async (tx) => {
    const { rows } = await sql`
      select from server where id = ${serverId} and desired_state = 'running' for update skip locked`.execute(
      tx,
    )
    if (rows.length === 0) return false
    await startServer(deps, await getServer(tx, tenantId, serverId), tx)
    return true
  })
}
