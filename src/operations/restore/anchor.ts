import type { ServerRecord } from '../../db/servers.ts'
import { getArchived, saveSettings } from '../../db/servers.ts'
import type { Moment } from '../../domain/moment.ts'
import { Problem } from '../../domain/problem.ts'
import { waitUntil } from '../../lib/wait-until.ts'
import { untilAdmitted } from '../../postgres/admission.ts'
import { archiverState, commitMarkerAfter, isArchived, serverClock } from '../../postgres/anchor.ts'
import { withAdmin } from '../../postgres/connect.ts'
import { inheritedSettings } from '../../postgres/inherited-settings.ts'
import { lastArchivedCommit, listArchive } from '../archive-tail.ts'
import { adminConnection, startServer, type WorkDeps } from '../server-work.ts'
import { go, wait } from '../workflow.ts'
import { loadRestore, type RestoreContext } from './memo.ts'

const SOURCE_START_SECONDS = 10
const ARCHIVED_POLL_SECONDS = 1

/**
 * Makes the target reachable. A recovery stops only at a commit later than its target (lab L1), so on a living source
 * one is committed and archived; without a source the archive says whether there is one.
 */
export async function anchor(context: RestoreContext) {
  const { deps } = context
  const { restore, child, source } = await loadRestore(context)
  if (!(await isAlive(deps, source))) return anchorInArchive(context, restore.target, source, child)

  const connection = adminConnection(deps, source)
  const archived = await getArchived(deps.db, source.serverId)
  const { target, marker, settings } = await withAdmin(connection, async (client) => {
    const target = 'time' in restore.target ? restore.target.time : await serverClock(client)
    const settings = await inheritedSettings(client)
    if (archived.lastCommitAt !== null && archived.lastCommitAt > target)
      return { target, settings, marker: null }
    deps.assertHeld()
    return { target, settings, marker: await commitMarkerAfter(client, target) }
  })
  context.remember({ targetTime: target, endSegment: marker?.segment ?? archived.lastSegment })
  context.inCommit((tx) => saveSettings(tx, child.serverId, { ...child.settings, ...settings }))
  return go(marker === null ? 'await-fetch' : 'await-anchor')
}

/** Waits until the segment with the marker has been archived; goes on without when the source has gone meanwhile. */
export async function awaitAnchor(context: RestoreContext) {
  const { deps, memo, signal } = context
  const { source } = await loadRestore(context)
  const { endSegment } = memo
  if (endSegment === null) return go('await-fetch')
  if (!(await isAlive(deps, source))) return go('anchor')

  const archived = await withAdmin(adminConnection(deps, source), (client) =>
    waitUntil(async () => signal.aborted || isArchived(await archiverState(client), endSegment), {
      timeoutSeconds: ARCHIVED_POLL_SECONDS,
      everyMilliseconds: 10,
    }),
  )
  if (archived && !signal.aborted) return go('await-fetch')
  const sinceSeconds = (Date.now() - memo.phaseStartedAt) / 1000
  if (sinceSeconds > TO_ARCHIVE_SECONDS_MAX) throw new Problem('target-not-archived')
  return wait(1)
}

const TO_ARCHIVE_SECONDS_MAX = 300

/** A source that has crashed is started, so that its last segments are archived. */
async function isAlive(deps: WorkDeps, source: ServerRecord): Promise<boolean> {
  const state = await deps.driver.postgresState(source.serverId)
  if (state === 'no-data' || source.port === null) return false
  if (state === 'stopped') await startServer(deps, source)
  return untilAdmitted(adminConnection(deps, source), SOURCE_START_SECONDS)
}

/** Without a source: a target before the archive's last commit can be reached; a later one is the end of WAL. */
async function anchorInArchive(
  context: RestoreContext,
  target: { time: Moment } | { latest: true },
  source: ServerRecord,
  child: ServerRecord,
) {
  const { deps, memo, remember } = context
  const archive = { deps, server: child, which: 'source', archiveServerId: source.serverId } as const
  const segments = (await listArchive(archive)).filter(
    (segment) => memo.startSegment === null || segment >= memo.startSegment,
  )
  const lastCommit = 'time' in target ? await lastArchivedCommit(archive, segments) : null
  const beyond = 'time' in target && lastCommit !== null && lastCommit.at > target.time
  if (beyond) remember({ targetTime: target.time, endOfWal: false, endSegment: null })
  else remember({ targetTime: null, endOfWal: true, endSegment: segments.at(-1) ?? null })
  return go('await-fetch')
}
