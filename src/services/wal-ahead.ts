import { type AddonWithPort, readArchive } from '../db/addons.ts'
import { completeBackups } from '../db/backups.ts'
import type { Executor } from '../db/client.ts'
import { pathBefore, segmentOfPath, walBelow } from '../domain/archive-layout.ts'
import { Problem } from '../domain/problem.ts'
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
 * @param seconds how long the store may take
 * @throws Problem `archive-unreachable`, also when it takes longer
 */
export async function walAheadOf(
  ex: Executor,
  archives: ArchiveStore,
  addon: AddonWithPort,
  place: TargetPlace,
  seconds: number,
): Promise<WalAhead | null> {
  // Read before the listing: whatever is archived meanwhile is not missed.
  const { last_archived_segment: lastArchived } = await readArchive(ex, addon.tenant_id, addon.server_id)
  const bases = plannedBases(await completeBackups(ex, addon.tenant_id, addon.server_id))
  const base = chooseBase(bases, place)
  if (base === null) return null
  const listed = await within(seconds, (signal) => listFrom(archives, addon, base, place, signal))
  const end = listed.reachesTarget ? null : lastArchived
  const [gap = null] = reviseGaps(walGaps(listed.runs, [base], end), bases)
  const isPlaced = place.isEnd || place.time !== null || place.lsn !== null
  return { base, segments: listed.segments, bytes: listed.bytes, gap: isPlaced ? gap : null }
}

/** A store that says nothing is left to itself: its own limits end what has been asked of it. */
async function within<Result>(
  seconds: number,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const signal = AbortSignal.timeout(seconds * 1000)
  const late = Promise.withResolvers<never>()
  const detail = 'The store of the archive does not answer in time.'
  signal.addEventListener('abort', () => late.reject(new Problem('archive-unreachable', { detail })))
  return Promise.race([work(signal), late.promise])
}

async function listFrom(
  archives: ArchiveStore,
  addon: AddonWithPort,
  { startSegment, timeline }: PlannedBase,
  place: TargetPlace,
  signal: AbortSignal,
) {
  const { tenant_id: tenantId, server_id: serverId, postgres_version: version } = addon
  const listed = { segments: 0, bytes: 0, runs: [] as WalRun[], reachesTarget: false }
  const from = { below: walBelow(serverId), after: pathBefore(serverId, version, startSegment) }
  for await (const { path, sizeBytes, modifiedAt } of archives.files({ tenantId, serverId }, from)) {
    signal.throwIfAborted()
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
