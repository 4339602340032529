import { lockAddon } from '../db/addons.ts'
import { recordAudit } from '../db/audit.ts'
import { completeBackups } from '../db/backups.ts'
import type { Tx } from '../db/client.ts'
import { findRestorePointNamed, insertRestorePoint } from '../db/restore-points.ts'
import { transact } from '../db/transact.ts'
import { newId } from '../domain/ids.ts'
import { Problem } from '../domain/problem.ts'
import { recordEvent } from '../notify/outbox.ts'
import { openOperation } from '../operations/open.ts'
import { type Caller, scopeOf } from './caller.ts'
import { requireAddon } from './read-addons.ts'
import { restorePointView } from './restore-point-view.ts'
import { ringDoorbell } from './ring-doorbell.ts'
import type { ServiceDeps } from './service-deps.ts'

/**
 * Records the wish for a restore point, which the `restore-point.create` workflow makes beside whatever else goes on.
 * @throws Problem `addon-not-found`, `addon-not-available`, `not-protected-yet`, `restore-point-name-taken`
 */
export async function requestRestorePoint(
  deps: Pick<ServiceDeps, 'db' | 'doorbell' | 'logger'>,
  caller: Caller,
  addonId: string,
  name: string,
) {
  const { row, wakeUp } = await transact(deps.db, (tx) => record(tx, caller, addonId, name))
  ringDoorbell(deps, wakeUp)
  return restorePointView(row)
}

/** The add-on is locked, so nobody else takes the name meanwhile. */
async function record(tx: Tx, caller: Caller, addonId: string, name: string) {
  const addon = await requireAddon(tx, scopeOf(caller), addonId, lockAddon)
  if (addon.status !== 'available') throw new Problem('addon-not-available')
  const { tenant_id: tenantId, server_id: serverId } = addon
  // What lies before the first backup cannot be restored to.
  if ((await completeBackups(tx, tenantId, serverId)).length === 0) throw new Problem('not-protected-yet')
  if ((await findRestorePointNamed(tx, { tenantId, serverId }, name)) !== undefined)
    throw new Problem('restore-point-name-taken')

  const id = newId('restorePoint')
  const owner = { tenant_id: tenantId, addon_id: addonId, server_id: serverId }
  const row = await insertRestorePoint(tx, { id, ...owner, name, status: 'queued' })
  const work = { tenantId, kind: 'restore-point.create', serverId, addonId, exclusive: false } as const
  const wakeUp = await openOperation(tx, { ...work, memo: { restorePointId: id } })
  const payload = { restorePointId: id, addonId, name }
  await recordEvent(tx, { tenantId, type: 'restore-point.queued', payload })
  const detail = { addonId, name }
  await recordAudit(tx, {
    actor: caller.actor,
    tenantId,
    action: 'restore-point.create',
    resourceId: id,
    detail,
    after: restorePointView(row),
  })
  return { row, wakeUp }
}
