import { type AddonWithPort, readArchive } from '../db/addons.ts'
import { completeBackups } from '../db/backups.ts'
import type { Executor } from '../db/client.ts'
import { pathBefore, segmentOfPath, walBelow } from '../domain/archive-layout.ts'
import type { WalGap } from '../domain/recovery-window.ts'
import { chooseBase, type PlannedBase, reaches, type TargetPlace } from '../domain/restore-plan.ts'
import { addToRuns, reviseGaps, type WalRun, walGaps } from '../domain/wal-gaps.ts'
import { parseSegment } from '../domain/wal-segment.ts'
import type { ArchiveStore } from '../storage/archive-store.ts'
import { plannedBases } from './planned-bases.ts'

/** What a restore to a target would be made of, by the archive as it is this moment. */
export interface WalAhead {
  base: PlannedBase
  segments: number
  /** As stored. */
  bytes: number
  /** Missing WAL that the restore would need; null when it is all there. */
  gap: WalGap | null
}

/**
 * Lists the archive from the base on that a restore to the target would begin with. Null when there is none.
 * @throws Problem `archive-unreachable`
 */
export async function walAheadOf(
  ex: Executor,
  archives: ArchiveStore,
  addon: AddonWithPort,
  place: TargetPlace,
): Promise<WalAhead | null> {
  // Read before the listing: whatever is archived meanwhile is not missed.
  const { last_archived_segment: lastArchived } = await readArchive(ex, addon.tenant_id, addon.server_id)
  const bases = plannedBases(await completeBackups(ex, addon.tenant_id, addon.server_id))
  const base = chooseBase(bases, place)
  if (base === null) return null
  const listed = await listFrom(archives, addon, base, place)
  const end = listed.reachesTarget ? null : lastArchived
  const [gap = null] = reviseGaps(walGaps(listed.runs, [base], end), bases)
  const isPlaced = place.isEnd || place.time !== null || place.lsn !== null
  return { base, segments: listed.segments, bytes: listed.bytes, gap: isPlaced ? gap : null }
}

async function listFrom(
  archives: ArchiveStore,
  addon: AddonWithPort,
  { startSegment, timeline }: PlannedBase,
  place: TargetPlace,
) {
  const { tenant_id: tenantId, server_id: serverId, postgres_version: version } = addon
  const listed = { segments: 0, bytes: 0, runs: [] as WalRun[], reachesTarget: false }
  const from = { below: walBelow(serverId), after: pathBefore(serverId, version, startSegment) }
  for await (const { path, sizeBytes, modifiedAt } of archives.files({ tenantId, serverId }, from)) {
    const segment = segmentOfPath(path)
    if (segment === null || parseSegment(segment).timeline !== timeline) continue
    addToRuns(listed.runs, segment, modifiedAt)
    listed.segments += 1
    listed.bytes += sizeBytes
    listed.reachesTarget = reaches(place, segment, modifiedAt)
    if (listed.reachesTarget) break
  }
  return listed
}
