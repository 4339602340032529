import { lockAddon, updateAddon as updateRow } from '../db/addons.ts'
import { recordAudit } from '../db/audit.ts'
import { markScheduleStale } from '../db/schedule.ts'
import { transact } from '../db/transact.ts'
import { Problem } from '../domain/problem.ts'
import { recordEvent } from '../notify/outbox.ts'
import { type AddonViewDeps, addonView } from './addon-view.ts'
import { nameTaken } from './allocate-addon.ts'
import { assertSoundPolicy } from './assert-sound-policy.ts'
import { type Caller, scopeOf } from './caller.ts'
import { changeOf } from './change-of.ts'
import type { AddonInput } from './create-addon.ts'
import { assertMatches } from './precondition.ts'
import { requireAddon } from './read-addons.ts'
import type { ServiceDeps } from './service-deps.ts'

type Field = 'name' | 'labels' | 'backupPolicy' | 'deletionProtection'
export type AddonChange = { [Name in Field]?: AddonInput[Name] | undefined }

/**
 * Changes what is given; labels and the backup policy are replaced as a whole.
 * @throws Problem `addon-not-found`, `precondition-failed`, `addon-name-taken`, `addon-not-available` once it is being deleted, `validation-failed`
 */
export async function updateAddon(
  deps: Pick<ServiceDeps, 'db' | 'now'> & AddonViewDeps,
  caller: Caller,
  id: string,
  change: AddonChange,
) {
  const row = await transact(deps.db, async (tx) => {
    const addon = await requireAddon(tx, scopeOf(caller), id, lockAddon)
    assertMatches(caller, () => addonView(addon, deps))
    if (addon.status === 'deleting') throw new Problem('addon-not-available')
    const { name = addon.name, labels = addon.labels, backupPolicy = addon.backup_policy } = change
    const updated = await updateRow(tx, addon, {
      name,
      labels: JSON.stringify(labels),
      backup_policy: JSON.stringify(backupPolicy),
      deletion_protection: change.deletionProtection ?? addon.deletion_protection,
      updated_at: deps.now(),
    }).catch(nameTaken)
    const { tenant_id: tenantId, server_id: serverId } = addon
    if (change.backupPolicy !== undefined) {
      assertSoundPolicy(deps.platformPolicy, addon.tenant_backup_policy, backupPolicy)
      await markScheduleStale(tx, { tenantId, serverId })
    }
    await recordEvent(tx, { tenantId, type: 'addon.updated', payload: { addonId: id, change } })
    await recordAudit(tx, {
      actor: caller.actor,
      tenantId,
      action: 'addon.update',
      resourceId: id,
      detail: change,
      ...changeOf(addonView(addon, deps), addonView(updated, deps)),
    })
    return updated
  })
  return addonView(row, deps)
}
