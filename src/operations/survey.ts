import { sql } from 'kysely'
import type { Tx } from '../db/client.ts'
import { noteDiskFree } from '../db/measured.ts'
import { getArchived } from '../db/servers.ts'
import {
  askForFullBackup,
  findArchivesToSurvey,
  lockSurveyed,
  noteSurveyTried,
  type SurveyedArchive,
} from '../db/surveyed-archives.ts'
import { segmentOfPath } from '../domain/archive-layout.ts'
import { Problem } from '../domain/problem.ts'
import type { WalGap } from '../domain/recovery-window.ts'
import { addToRuns, type WalRun, walGaps } from '../domain/wal-gaps.ts'
import { recordEvent } from '../notify/outbox.ts'
import { basesOf } from './known-gaps.ts'
import type { ReconcilerReport } from './reconciler.ts'
import type { WorkDeps } from './server-work.ts'
import type { StoreWatch } from './store-watch.ts'

/** Archives that one pass looks at, so that it ends soon. */
const BATCH = 20

/**
 * Lists the files of archives whose turn it is: what they come to, and where WAL is missing. What a store does not
 * answer stays as it was last known; one that refuses is not asked.
 */
export async function survey(deps: WorkDeps, store: StoreWatch, report: ReconcilerReport): Promise<void> {
  if ((await store.refusal(deps)) !== null) return
  const due = await findArchivesToSurvey(deps.db, deps.surveyEverySeconds, BATCH)
  const [first] = due
  if (first !== undefined)
    await noteDiskFree(deps.db, (await deps.driver.diskSpace(first.serverId)).freeBytes)
  for (const archive of due) {
    // One that fails has had its turn as well.
    await noteSurveyTried(deps.db, archive.serverId)
    try {
      await surveyArchive(deps, archive)
    } catch (error) {
      report({ serverId: archive.serverId, action: 'failed', error })
      // It would not answer for the others either.
      if (error instanceof Problem && error.code === 'archive-unreachable') return
    }
  }
}

async function surveyArchive(deps: WorkDeps, archive: SurveyedArchive): Promise<void> {
  // What is archived while the listing goes on is not missed, and what expires meanwhile is no backup's by its end.
  const { lastSegment } = await getArchived(deps.db, archive.serverId)
  const listed = await listFiles(deps, archive)
  await deps.db.transaction().execute(async (tx) => {
    const before = await lockSurveyed(tx, archive)
    // It is being removed, which looks like gaps.
    if (before === null) return
    const gaps = walGaps(listed.runs, await basesOf(tx, archive.serverId), lastSegment)
    await tx
      .updateTable('archive')
      .set({
        stored_bytes: listed.bytes,
        stored_files: listed.files,
        gaps: JSON.stringify(gaps),
        surveyed_at: sql`now()`,
      })
      .where('server_id', '=', archive.serverId)
      .execute()
    await tellOfNew(tx, archive, before.gaps, gaps)
  })
}

async function listFiles({ archives }: WorkDeps, archive: SurveyedArchive) {
  const listed = { bytes: 0, files: 0, runs: [] as WalRun[] }
  for await (const { path, sizeBytes, modifiedAt } of archives.files(archive)) {
    listed.bytes += sizeBytes
    listed.files += 1
    const segment = segmentOfPath(path)
    if (segment !== null) addToRuns(listed.runs, segment, modifiedAt)
  }
  return listed
}

/** A gap that nothing makes up for is told of once, and has a full backup taken as soon as may be. */
async function tellOfNew(
  tx: Tx,
  { tenantId, addonId, serverId, isLive }: SurveyedArchive,
  before: readonly WalGap[],
  gaps: readonly WalGap[],
): Promise<void> {
  const known = new Set(before.map(({ afterSegment }) => afterSegment))
  const found = gaps.filter(({ to, afterSegment }) => to === null && !known.has(afterSegment))
  for (const gap of found)
    await recordEvent(tx, { tenantId, type: 'archive.gap-found', payload: { addonId, gap } })
  if (found.length === 0 || !isLive) return
  await askForFullBackup(tx, serverId)
}
