import { getArchived, type ServerRecord, saveSettings } from '../../db/servers.ts'
import { chooseBackupBefore } from '../../domain/choose-backup.ts'
import { Problem } from '../../domain/problem.ts'
import { isWalTarget, type WalTarget } from '../../domain/restore.ts'
import { firstMissing, formatLsn, parseLsn, segmentOfLsn } from '../../domain/wal-segment.ts'
import { commitMarkerAfter, insertLsn, serverClock } from '../../postgres/anchor.ts'
import { placeControlCommand, readControlCommand } from '../../postgres/control-file.ts'
import { inheritedSettings } from '../../postgres/inherited-settings.ts'
import { listArchive } from '../archive-tail.ts'
import { findCompleteBackups } from '../backup-progress.ts'
import { getRestorePoint } from '../restore-point-progress.ts'
import { adminConnection, asAdmin, type WorkDeps } from '../server-work.ts'
import { go, wait } from '../workflow.ts'
import { sourceArchive, sourceState } from './anchor.ts'
import { fetchFrom, openSource, startOver } from './fetch.ts'
import { findTransaction } from './find-transaction.ts'
import { loadRestore, type RestoreContext } from './memo.ts'

// A target that is a place in WAL is looked up before anything is fetched: it is in the archive or it is not.

/** Has a living source archive its WAL as far as the target may lie; without one the archive has all there is. */
export async function locate(context: RestoreContext) {
  const { deps, remember, inCommit } = context
  const { restore, child, source } = await loadRestore(context)
  const target = placeOf(restore.target)
  await openSource(deps, child, source)
  const state = await sourceState(context, source)
  if (state === 'gone') return locateInArchive(context, target, source)
  if (state === 'starting') return wait(1)

  if ('xid' in target) await identify(deps, child, source)
  const { lastSegment } = await getArchived(deps.db, source.serverId)
  const { settings, marker } = await asAdmin(deps, adminConnection(deps, source), async (client) => {
    const settings = await inheritedSettings(client)
    if ('name' in target) return { settings, marker: null }
    if ('lsn' in target) {
      const end = await insertLsn(client)
      if (parseLsn(end) < parseLsn(target.lsn))
        throw new Problem('target-in-future', { detail: `The WAL of the source ends at ${end}.` })
      // Recovery stops at the first record from there on, which a later segment has.
      const { timeline } = await newestBackup(context, source.serverId)
      if (lastSegment !== null && lastSegment > segmentOfLsn(target.lsn, timeline))
        return { settings, marker: null }
    }
    deps.assertHeld()
    return { settings, marker: await commitMarkerAfter(client, await serverClock(client)) }
  })
  inCommit((tx) => saveSettings(tx, child.serverId, { ...child.settings, ...settings }))
  remember({ endSegment: marker?.segment ?? null })
  return go(marker === null ? 'find-target' : 'await-anchor')
}

/** Without a source only a base backup tells whose WAL it is, so a transaction is searched for once one is fetched. */
async function locateInArchive(context: RestoreContext, target: WalTarget, source: ServerRecord) {
  if (!('xid' in target)) return go('find-target')
  const backups = await findCompleteBackups(context.deps.db, source.serverId)
  await fetchFrom(context, source.serverId, backups.at(-1) ?? null)
  return go('start-fetch')
}

/** pgBackRest hands out WAL only beside a `pg_control` of the same system. */
async function identify({ driver }: WorkDeps, child: ServerRecord, source: ServerRecord): Promise<void> {
  const dataOf = ({ serverId }: ServerRecord) => driver.paths(serverId).dataDirectory
  const read = await driver.run(source.serverId, readControlCommand(dataOf(source)))
  if (read.exitCode !== 0) throw new Error(`the control file cannot be read: ${read.stderr}`)
  const placed = await driver.run(child.serverId, placeControlCommand(dataOf(child), read.stdout))
  if (placed.exitCode !== 0) throw new Error(`the control file cannot be placed: ${placed.stderr}`)
}

/** Finds where in WAL the target is. A transaction is searched for, in turns of one segment each. */
export async function findTarget(context: RestoreContext) {
  const { deps, remember } = context
  const { restore, child, source } = await loadRestore(context)
  const target = placeOf(restore.target)
  if ('lsn' in target) {
    remember({ walTarget: target, targetLsn: target.lsn })
    return go('choose-base')
  }
  if ('name' in target) {
    const point = await getRestorePoint(deps.db, source.serverId, target.name)
    if (point === null) throw new Problem('target-not-found')
    // Its record begins somewhere before `lsn`, and no backup stops inside a record.
    const lsn = formatLsn(parseLsn(point.lsn) - 1n)
    remember({ walTarget: { name: point.walName }, targetLsn: lsn })
    return go('choose-base')
  }
  const found = await findTransaction(context, sourceArchive(deps, child, source), Number(target.xid))
  if (found === null) return go('find-target')
  remember({ walTarget: target, targetLsn: found, search: null })
  return go('choose-base')
}

/** Chooses the newest backup that is complete before the target, if all WAL from there to the target is archived. */
export async function chooseBase(context: RestoreContext) {
  const { deps, memo, remember } = context
  const { child, source } = await loadRestore(context)
  if (memo.targetLsn === null) return go('find-target')
  const fetched = memo.phase === 'anchoring' ? null : memo.label
  const base = chooseBackupBefore(await findCompleteBackups(deps.db, source.serverId), memo.targetLsn)
  await fetchFrom(context, source.serverId, base)
  const { startSegment, timeline } = memo
  const endSegment = segmentOfLsn(memo.targetLsn, timeline)
  const segments = await listArchive(sourceArchive(deps, child, source))
  if (endSegment > (segments.at(-1) ?? ''))
    throw new Problem('target-not-found', { detail: `The archive ends with WAL segment ${segments.at(-1)}.` })
  const missing = startSegment === null ? null : firstMissing(segments, startSegment, endSegment)
  if (missing !== null) throw new Problem('wal-missing', { detail: `WAL segment ${missing} is missing.` })
  remember({ endSegment })
  if (base?.label === fetched) return go('start-recovery')
  await startOver(context)
  return go('start-fetch')
}

function placeOf(target: Parameters<typeof isWalTarget>[0]): WalTarget {
  if (!isWalTarget(target)) throw new Error('only a place in WAL can be located')
  return target
}

async function newestBackup({ deps }: RestoreContext, serverId: string) {
  const newest = (await findCompleteBackups(deps.db, serverId)).at(-1)
  if (newest === undefined) throw new Problem('target-before-window')
  return newest
}
