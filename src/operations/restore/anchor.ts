import type { ServerRecord } from '../../db/servers.ts'
import { getArchived, saveSettings } from '../../db/servers.ts'
import { addSeconds, type Moment } from '../../domain/moment.ts'
import { Problem } from '../../domain/problem.ts'
import { isWalTarget, type RestoreTarget } from '../../domain/restore.ts'
import { untilAdmitted } from '../../postgres/admission.ts'
import { commitMarkerAfter, serverClock } from '../../postgres/anchor.ts'
import { inheritedSettings } from '../../postgres/inherited-settings.ts'
import { lastArchivedCommit, listArchive, type ReadableArchive } from '../archive-tail.ts'
import { keepRunning } from '../keep-running.ts'
import { adminConnection, asAdmin, type WorkDeps } from '../server-work.ts'
import { untilArchived } from '../until-archived.ts'
import { go, wait } from '../workflow.ts'
import { assertReadable, FETCH } from './fetch.ts'
import { loadRestore, type RestoreContext } from './memo.ts'

const ADMITTED_POLL_SECONDS = 10
/** Polls, not time: while no worker looks, a source may be getting there. Some five minutes each. */
const SOURCE_POLLS_MAX = 30
const ARCHIVED_POLLS_MAX = 150
/** Commit times in WAL are out of order by as long as a backend can stall between reading the clock and writing. */
const DISORDER_SECONDS_MAX = 60

/**
 * Makes the target reachable. A recovery stops only at a commit later than its target (lab L1), so on a living source
 * one is committed and archived; without a source the archive says whether there is one.
 */
export async function anchor(context: RestoreContext) {
  const { deps } = context
  const { restore, child, source } = await loadRestore(context)
  const state = context.memo.drill === null ? await sourceState(context, source) : 'gone'
  if (state === 'gone') return anchorInArchive(context, restore.target, source, child)
  if (state === 'starting') return wait(1)

  const connection = adminConnection(deps, source)
  const archived = await getArchived(deps.db, source.serverId)
  const { target, marker, settings } = await asAdmin(deps, connection, async (client) => {
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
  const { restore, child, source } = await loadRestore(context)
  const { endSegment } = memo
  // A place in WAL is looked up in the archive next; for a time the base backup is on its way already.
  const next = isWalTarget(restore.target) ? ('find-target' as const) : ('await-fetch' as const)
  if (endSegment === null) return go(next)
  const state = await sourceState(context, source)
  if (state === 'gone') return go(next === 'find-target' ? 'find-target' : 'anchor')
  if (state === 'starting') return wait(1)

  // An archive that does not open takes no segment either, and then this wait would be in vain.
  assertReadable(context, await deps.driver.checkTask(context.serverId, FETCH))
  const archive = sourceArchive(deps, child, source)
  if (await untilArchived(archive, adminConnection(deps, source), endSegment, signal)) return go(next)
  if (memo.archivedPolls >= ARCHIVED_POLLS_MAX) throw new Problem('target-not-archived')
  context.remember({ archivedPolls: memo.archivedPolls + 1 })
  return wait(1)
}

/**
 * A source that has crashed is started, so that its last segments are archived; its own recovery may take a while. One
 * whose files are gone, or that does not come up any more, is given up.
 */
export async function sourceState(
  { deps, memo, remember }: RestoreContext,
  source: ServerRecord,
): Promise<'serving' | 'starting' | 'gone'> {
  const { serverId, tenantId, port } = source
  const isStopped = async () => (await deps.driver.postgresState(serverId)) === 'stopped'
  if (port === null || (await deps.driver.postgresState(serverId)) === 'no-data') return 'gone'
  if ((await keepRunning(deps, tenantId, serverId)) && (await isStopped())) return 'gone'
  if (await untilAdmitted(adminConnection(deps, source), ADMITTED_POLL_SECONDS)) return 'serving'
  remember({ sourcePolls: memo.sourcePolls + 1 })
  if (memo.sourcePolls < SOURCE_POLLS_MAX) return 'starting'
  // It may hold commits that the archive does not, so the archive alone would not do.
  if (!(await isStopped())) throw new Problem('source-unreachable')
  return 'gone'
}

/**
 * Without a source, the target is reached if the archive holds the end of a transaction later than it. Only PostgreSQL
 * can tell for sure, and stops there; if it finds none, `awaitRecovery` goes on to the end of WAL, in a second replay.
 */
async function anchorInArchive(
  context: RestoreContext,
  target: RestoreTarget,
  source: ServerRecord,
  child: ServerRecord,
) {
  const { deps, memo, remember } = context
  const archive = sourceArchive(deps, child, source)
  const { lastSegment } = await getArchived(deps.db, source.serverId)
  const segments = (await listArchive(archive)).filter(
    (segment) => memo.startSegment === null || segment >= memo.startSegment,
  )
  const endSegment = [...segments, ...(lastSegment === null ? [] : [lastSegment])].sort().at(-1) ?? null
  const time = 'time' in target ? target.time : null
  const endOfWal = time === null || (await endsLongBefore(time, archive, segments))
  remember({ targetTime: endOfWal ? null : time, endOfWal, endSegment })
  return go('await-fetch')
}

/** Whether the archive's last commit is so much older that no other one can be later than the target. */
async function endsLongBefore(target: Moment, archive: ReadableArchive, segments: readonly string[]) {
  // A segment that cannot be read is for recovery to stumble over.
  const last = await lastArchivedCommit(archive, segments).catch(() => null)
  return last !== null && addSeconds(last.at, DISORDER_SECONDS_MAX) < target
}

/** The source's archive, read from beside the child. */
export const sourceArchive = (
  deps: WorkDeps,
  child: ServerRecord,
  source: ServerRecord,
): ReadableArchive => ({
  deps,
  server: child,
  which: 'source',
  archiveServerId: source.serverId,
})
