import { lockAddon } from '../db/addons.ts'
import { recordAudit } from '../db/audit.ts'
import { transact } from '../db/transact.ts'
import { Problem } from '../domain/problem.ts'
import { assertRestorable } from '../domain/recovery-window.ts'
import { openDrill } from '../operations/open-drill.ts'
import { type Caller, scopeOf } from './caller.ts'
import { drillView } from './drill-view.ts'
import { requireAddon } from './read-addons.ts'
import { recoveryWindowOf } from './read-recovery-window.ts'
import { ringDoorbell } from './ring-doorbell.ts'
import type { ServiceDeps } from './service-deps.ts'

/**
 * Records the wish for a drill, which the `drill.verify`, `restore.run` and `drill.check` workflows carry out.
 * @throws Problem `addon-not-found`, `addon-not-available`, `not-protected-yet`, `drill-in-progress`
 */
export async function requestDrill(
  deps: Pick<ServiceDeps, 'db' | 'doorbell' | 'keyRing' | 'now' | 'logger'>,
  caller: Caller,
  addonId: string,
) {
  const { row, wakeUp } = await transact(deps.db, async (tx) => {
    const source = await requireAddon(tx, scopeOf(caller), addonId, lockAddon)
    if (source.status !== 'available') throw new Problem('addon-not-available')
    const now = deps.now()
    assertRestorable({ latest: true }, await recoveryWindowOf(tx, source, now), now)
    const opened = await openDrill(tx, deps.keyRing, source, { scheduled: false })
    await recordAudit(tx, {
      actor: caller.actor,
      tenantId: source.tenant_id,
      action: 'drill.create',
      resourceId: opened.row.id,
      detail: { addonId },
      after: drillView(opened.row),
    })
    return opened
  })
  ringDoorbell(deps, wakeUp)
  return drillView(row)
}
