import type { Tx } from '../../db/client.ts'
import { noteAverage } from '../../db/measured.ts'
import type { RestoreMemo } from './memo.ts'
import { walTotal } from './progress.ts'

/** Notes how fast a restore was that has succeeded, for the plans of later ones. */
export async function noteRestoreRates(
  tx: Tx,
  memo: RestoreMemo,
  phaseSeconds: Record<string, number>,
): Promise<void> {
  const { anchoring = 0, fetching = 0, replaying = 0, securing = 0 } = phaseSeconds
  // The base is fetched while the target is anchored.
  const fetchSeconds = anchoring + fetching
  if (memo.bytesTotal !== null)
    await noteAverage(tx, 'fetch_bytes_per_second', memo.bytesTotal / fetchSeconds, fetchSeconds)
  const segments = walTotal(memo) ?? memo.log?.restoredSegments ?? 0
  await noteAverage(tx, 'replay_segments_per_second', segments / replaying, replaying)
  await noteAverage(tx, 'restore_other_seconds', securing, securing)
}
