import { recordAudit } from '../db/audit.ts'
import { isAskedToEnd, requestCancel } from '../db/operations.ts'
import { findRestore, lockRestore } from '../db/restores.ts'
import { transact } from '../db/transact.ts'
import { Problem } from '../domain/problem.ts'
import { recordEvent } from '../notify/outbox.ts'
import { type Caller, scopeOf } from './caller.ts'
import { assertMatches } from './precondition.ts'
import { requireRestore } from './read-restores.ts'
import { restoreView } from './restore-view.ts'
import { ringDoorbell } from './ring-doorbell.ts'
import type { ServiceDeps } from './service-deps.ts'

/**
 * Asks a restore to end and to dismantle what it has made; asking again changes nothing.
 * @throws Problem `restore-not-found`, `precondition-failed`, `restore-finished`
 */
export async function cancelRestore(
  deps: Pick<ServiceDeps, 'db' | 'doorbell' | 'logger'>,
  caller: Caller,
  id: string,
) {
  const { row, wakeUp } = await transact(deps.db, async (tx) => {
    // Workers lock the operation first: the restore is locked only where its state matters.
    const find = caller.ifMatch === undefined ? findRestore : lockRestore
    const restore = await requireRestore(tx, scopeOf(caller), id, find)
    assertMatches(caller, () => restoreView(restore))
    const { tenant_id: tenantId, child_server_id: serverId } = restore
    // The operation decides: it waits for a worker that is just about to finish it.
    const wasAsked = await isAskedToEnd(tx, { tenantId, serverId })
    const running = await requestCancel(tx, { tenantId, serverId, kind: 'restore.run' })
    if (running === undefined) throw new Problem('restore-finished')
    const payload = { restoreId: id, addonId: restore.addon_id, childAddonId: restore.child_addon_id }
    if (!wasAsked) await recordEvent(tx, { tenantId, type: 'restore.cancelling', payload })
    await recordAudit(tx, {
      actor: caller.actor,
      tenantId,
      action: 'restore.cancel',
      resourceId: id,
      before: { cancelRequested: wasAsked },
      after: { cancelRequested: true },
    })
    return { row: restore, wakeUp: running }
  })
  ringDoorbell(deps, wakeUp)
  return restoreView(row)
}
