import { noteObservation, wasObservedWithin } from '../db/observations.ts'
import { findKnownArchives } from '../db/unscoped.ts'
import type { ReconcilerReport } from './reconciler.ts'
import type { WorkDeps } from './server-work.ts'

/**
 * Compares all stored archives with the rows. One that a row calls removed is removed; one that no row knows is
 * counted, reported and left alone (docs/adr/0006). Does nothing when another worker has just done it.
 */
export async function compareArchives(
  deps: WorkDeps,
  everySeconds: number,
  report: ReconcilerReport,
): Promise<void> {
  if (await wasObservedWithin(deps.db, 'archives_unowned', everySeconds / 2)) return
  // Rows are committed before their archives are made, so that every archive listed here has its row by now.
  const stored = await deps.archives.list()
  const known = await findKnownArchives(
    deps.db,
    stored.map(({ serverId }) => serverId),
  )
  let unowned = 0
  for (const { tenantId, serverId } of stored) {
    const row = known.get(serverId)
    if (row?.canBeRemoved === true) {
      await deps.archives.destroy(tenantId, serverId)
      report({ serverId, action: 'removed' })
    }
    if (row !== undefined) continue
    unowned += 1
    report({ serverId, action: 'left-alone' })
  }
  await noteObservation(deps.db, 'archives_unowned', unowned)
}
