import { lockAddon } from '../db/addons.ts'
import { recordAudit } from '../db/audit.ts'
import { insertBackup } from '../db/backups.ts'
import { transact } from '../db/transact.ts'
import type { BackupType } from '../domain/addon.ts'
import { newId } from '../domain/ids.ts'
import { Problem } from '../domain/problem.ts'
import { recordEvent } from '../notify/outbox.ts'
import { openOperation } from '../operations/open.ts'
import { assertWithinQuotas } from './assert-within-quotas.ts'
import { backupView } from './backup-view.ts'
import { type Caller, scopeOf } from './caller.ts'
import { requireAddon } from './read-addons.ts'
import { ringDoorbell } from './ring-doorbell.ts'
import type { ServiceDeps } from './service-deps.ts'

/**
 * Records the wish for a base backup, which the `backup.take` workflow takes.
 * @throws Problem `addon-not-found`, `addon-not-available`, `operation-in-progress`, `quota-exceeded`
 */
export async function requestBackup(
  deps: Pick<ServiceDeps, 'db' | 'doorbell' | 'logger' | 'platformQuotas'>,
  caller: Caller,
  addonId: string,
  type: BackupType,
) {
  const id = newId('backup')
  const { row, wakeUp } = await transact(deps.db, async (tx) => {
    const addon = await requireAddon(tx, scopeOf(caller), addonId, lockAddon)
    if (addon.status !== 'available') throw new Problem('addon-not-available')
    const { tenant_id: tenantId, server_id: serverId } = addon
    await assertWithinQuotas(tx, deps, tenantId, 'backup')
    const backup = {
      id,
      tenant_id: tenantId,
      addon_id: addonId,
      server_id: serverId,
      type,
      status: 'queued',
    } as const
    const row = await insertBackup(tx, backup)
    const memo = { backupId: id, type }
    const wakeUp = await openOperation(tx, { tenantId, kind: 'backup.take', serverId, addonId, memo })
    await recordEvent(tx, { tenantId, type: 'backup.queued', payload: { backupId: id, addonId, type } })
    await recordAudit(tx, {
      actor: caller.actor,
      tenantId,
      action: 'backup.create',
      resourceId: id,
      detail: { addonId, type },
      after: backupView({ ...row, last_archived_segment: null }),
    })
    return { row, wakeUp }
  })
  ringDoorbell(deps, wakeUp)
  return backupView({ ...row, last_archived_segment: null })
}
