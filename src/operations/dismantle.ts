import { forgetServer } from '../db/servers.ts'
import type { ServerRef, WorkDeps } from './server-work.ts'
import type { StepContext } from './workflow.ts'

/** Removes everything a server has: processes, directories, archive; its port is free once the outcome is committed. */
export async function dismantle({
  deps,
  serverId,
  tenantId,
  inCommit,
}: StepContext<object, WorkDeps> & ServerRef): Promise<void> {
  await deps.driver.destroyInstance(serverId)
  await deps.archives.destroy(tenantId, serverId)
  inCommit((tx) => forgetServer(tx, serverId))
}
