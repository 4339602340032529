import { forgetServer, mayHaveArchive } from '../db/servers.ts'
import type { ServerRef, WorkDeps } from './server-work.ts'
import type { StepContext } from './workflow.ts'

/**
 * Removes everything a server has: processes, directories, archive; its port is free once the outcome is committed.
 * Without an archive the store is not asked, so that a failed restore ends while the store is away.
 */
export async function dismantle({
  deps,
  serverId,
  tenantId,
  inCommit,
}: StepContext<object, WorkDeps> & ServerRef): Promise<void> {
  await deps.driver.destroyInstance(serverId)
  if (await mayHaveArchive(deps.db, serverId)) await deps.archives.destroy(tenantId, serverId)
  inCommit((tx) => forgetServer(tx, serverId))
}
