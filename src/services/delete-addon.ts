import { type AddonWithPort, lockAddon, updateAddon } from '../db/addons.ts'
import { recordAudit } from '../db/audit.ts'
import type { Tx } from '../db/client.ts'
import { findOpenDrill } from '../db/drills.ts'
import { stopSchedule } from '../db/kept-archives.ts'
import { requestCancel } from '../db/operations.ts'
import { isBeingRestored } from '../db/restores.ts'
import { transact } from '../db/transact.ts'
import { Problem } from '../domain/problem.ts'
import { recordEvent } from '../notify/outbox.ts'
import { openOperation } from '../operations/open.ts'
import type { WakeUp } from '../operations/wake-up.ts'
import { addonView } from './addon-view.ts'
import { type Caller, scopeOf } from './caller.ts'
import { changeOf } from './change-of.ts'
import { assertMatches } from './precondition.ts'
import { requireAddon } from './read-addons.ts'
import { ringDoorbell } from './ring-doorbell.ts'
import type { ServiceDeps } from './service-deps.ts'

/**
 * Asks for an add-on and its server to be removed; asking again changes nothing. Its archive is kept for as long as
 * the backup policy says (`deletedRetentionDays`), and can be restored from meanwhile.
 * @throws Problem `addon-not-found`, `precondition-failed`, `deletion-protected`, `restore-in-progress`
 */
export async function deleteAddon(deps: ServiceDeps, caller: Caller, id: string) {
  const { row, wakeUps } = await transact(deps.db, async (tx) => {
    const addon = await requireAddon(tx, scopeOf(caller), id, lockAddon)
    assertMatches(caller, () => addonView(addon, deps))
    if (addon.status === 'deleting') return { row: addon, wakeUps: [] }
    await assertDeletable(tx, addon)
    const deleting = await updateAddon(tx, addon, { status: 'deleting', updated_at: deps.now() })
    const { tenant_id: tenantId } = addon
    await stopSchedule(tx, tenantId, addon.server_id)
    await recordEvent(tx, { tenantId, type: 'addon.deleting', payload: { addonId: id } })
    await recordAudit(tx, {
      actor: caller.actor,
      tenantId,
      action: 'addon.delete',
      resourceId: id,
      ...changeOf(addonView(addon, deps), addonView(deleting, deps)),
    })
    return { row: deleting, wakeUps: [await openDeletion(tx, addon), ...(await cancelDrill(tx, addon))] }
  })
  for (const wakeUp of wakeUps) ringDoorbell(deps, wakeUp)
  return addonView(row, deps)
}

async function assertDeletable(tx: Tx, addon: AddonWithPort): Promise<void> {
  if (addon.deletion_protection) throw new Problem('deletion-protected')
  if (await isBeingRestored(tx, addon.tenant_id, addon.server_id)) throw new Problem('restore-in-progress')
}

/** A server has one open operation at a time: one that runs is asked to end, and the sweeper opens the deletion then. */
async function openDeletion(tx: Tx, addon: AddonWithPort): Promise<WakeUp> {
  const { tenant_id: tenantId, server_id: serverId, id: addonId } = addon
  const running = await requestCancel(tx, { tenantId, serverId })
  return running ?? openOperation(tx, { tenantId, kind: 'addon.delete', serverId, addonId, memo: {} })
}

/** A drill is no reason to wait. One that is between two operations is found by the sweeper. */
async function cancelDrill(tx: Tx, { tenant_id: tenantId, id }: AddonWithPort): Promise<WakeUp[]> {
  const drill = await findOpenDrill(tx, tenantId, id)
  if (drill === undefined) return []
  const running = await requestCancel(tx, { tenantId, serverId: drill.child_server_id })
  return running === undefined ? [] : [running]
}
