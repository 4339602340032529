import type { ServerRecord } from '../../db/servers.ts'
import { type BaseBackup, chooseBackup } from '../../domain/choose-backup.ts'
import { Problem } from '../../domain/problem.ts'
import { isWalTarget } from '../../domain/restore.ts'
import { segmentOfLsn } from '../../domain/wal-segment.ts'
import type { TaskReport } from '../../drivers/driver.ts'
import { findCompleteBackups } from '../backup-progress.ts'
import { recordDamages } from '../damaged-backups.ts'
import { saveRestore } from '../progress.ts'
import { archiveAccess, engineServer, ensurePort, type WorkDeps } from '../server-work.ts'
import { go, wait } from '../workflow.ts'
import { assertRoom } from './disk.ts'
import {
  enterPhase,
  loadRestore,
  type RestoreContext,
  type RestoreMemo,
  type RestoreOfDrill,
} from './memo.ts'
import { progressOf } from './progress.ts'

/** The task that fetches the base backup. */
export const FETCH = 'fetch'
const ATTEMPTS_MAX = 3
/** The engine has read every file several times in each. */
const DAMAGED_ATTEMPTS_MAX = 2
const RETRY_SECONDS = 5
const PROGRESS_GRACE_SECONDS = 1800

/** Chooses the base backup where the target says enough for that, and reserves what the child needs. */
export async function allocate(context: RestoreContext) {
  const { deps, memo, inCommit } = context
  const { restore, child, source } = await loadRestore(context)
  if (memo.phaseStartedAt === 0) {
    const phaseSeconds = enterPhase(context, 'anchoring')
    inCommit((tx) => saveRestore(tx, memo.restoreId, { phase: 'anchoring', phaseSeconds }))
  }
  const { target } = restore
  if (isWalTarget(target)) {
    await ensurePort(deps, child)
    return go('locate')
  }
  const backups = await findCompleteBackups(deps.db, source.serverId)
  await fetchFrom(context, source.serverId, chooseBackup(backups, 'time' in target ? target.time : null))
  await ensurePort(deps, child)
  return go('start-fetch')
}

type CompleteBackup = BaseBackup & { id: string; startLsn: string; sizeBytes: number | null }

/**
 * Notes the base backup, if there is room for it.
 * @throws Problem when there is none: all that would do are damaged, or there never was one; `insufficient-disk-space`
 */
export async function fetchFrom(
  { deps, serverId, memo, remember, inCommit }: RestoreContext,
  sourceServerId: string,
  base: CompleteBackup | null,
): Promise<void> {
  if (base === null) throw new Problem(memo.damaged.length > 0 ? 'backup-damaged' : 'target-before-window')
  const startSegment = segmentOfLsn(base.startLsn, base.timeline)
  await assertRoom(deps, serverId, sourceServerId, { sizeBytes: base.sizeBytes, startSegment })
  remember({
    label: base.label,
    timeline: base.timeline,
    startSegment,
    bytesTotal: base.sizeBytes,
  })
  inCommit((tx) => saveRestore(tx, memo.restoreId, { backupId: base.id }))
}

/** The fetch needs no more than the backup's name, so it runs while the target is being anchored. */
export async function startFetch(context: RestoreContext) {
  const { deps, serverId, memo } = context
  const { restore, child, source } = await loadRestore(context)
  await openSource(deps, child, source)
  const self = engineServer(deps, child)
  await deps.driver.startTask(serverId, FETCH, deps.engine.restoreTask(self, source.serverId, memo.label))
  return go(memo.phase === 'anchoring' && !isWalTarget(restore.target) ? 'anchor' : 'await-fetch')
}

/** From then on the source's archive can be read from beside the child. */
export async function openSource(deps: WorkDeps, child: ServerRecord, source: ServerRecord): Promise<void> {
  await deps.driver.ensureInstance(child.serverId)
  const access = archiveAccess(deps, source, 'read')
  await deps.driver.writeConfig(
    child.serverId,
    deps.engine.configFiles('source', engineServer(deps, child), access),
  )
}

/**
 * Damage to a backup's own files does not decrypt either: that is for an older backup to make up for.
 * @throws Problem `archive-unreadable` when that is what the fetch has failed of: nothing will mend it.
 */
export function assertReadable({ deps }: RestoreContext, task: TaskReport): void {
  if (task.state !== 'failed' || deps.engine.isDamaged(task)) return
  const { stdoutTail, stderrTail } = task
  if (deps.engine.isUnreadable({ stdoutTail, stderrTail })) throw new Problem('archive-unreadable')
}

export async function awaitFetch(context: RestoreContext) {
  const { deps, serverId, memo, remember, inCommit } = context
  if (memo.phase !== 'fetching') {
    const phaseSeconds = enterPhase(context, 'fetching')
    inCommit((tx) => saveRestore(tx, memo.restoreId, { phase: 'fetching', phaseSeconds }))
  }
  const task = await deps.driver.checkTask(serverId, FETCH)
  switch (task.state) {
    case 'not-started':
      return go('start-fetch')
    case 'succeeded':
      return go(isLocated(memo) ? 'start-recovery' : 'find-target')
    case 'running': {
      const { bytesDone } = deps.engine.progressOf('restore', task, memo.bytesTotal)
      if (bytesDone > memo.bytesDone) context.extendDeadline(PROGRESS_GRACE_SECONDS)
      remember({ bytesDone: Math.max(bytesDone, memo.bytesDone) })
      inCommit((tx) => saveRestore(tx, memo.restoreId, { progress: progressOf(context) }))
      return wait(1, () => deps.driver.taskEnded(serverId, FETCH))
    }
    case 'failed': {
      assertReadable(context, task)
      if (memo.fetchAttempts + 1 >= DAMAGED_ATTEMPTS_MAX && deps.engine.isDamaged(task))
        return useOlderBackup(context)
      if (memo.fetchAttempts + 1 >= ATTEMPTS_MAX)
        throw new Problem('backup-unreadable', { cause: task.stdoutTail + task.stderrTail })
      // Checksumming what is there already is progress, too.
      remember({ fetchAttempts: memo.fetchAttempts + 1, bytesDone: 0 })
      await deps.driver.clearTask(serverId, FETCH)
      // The next turn finds no task, and starts it again.
      return wait(RETRY_SECONDS)
    }
  }
}

/** A backup that is damaged is left for good, and the fetch begins anew with the one before it. */
async function useOlderBackup(context: RestoreContext) {
  const { memo, remember, inCommit } = context
  const { restore, source } = await loadRestore(context)
  await startOver(context)
  inCommit((tx) => recordDamages(tx, source.serverId, [memo.label]))
  remember({
    damaged: [...memo.damaged, memo.label],
    drill: memo.drill && foundDamage(memo.drill, memo.label),
  })
  if (!isWalTarget(restore.target)) return go('allocate')
  return go(memo.walTarget === null ? 'locate' : 'choose-base')
}

/** A drill that meets damage which its verification has missed does not pass for it. */
function foundDamage(drill: RestoreOfDrill, label: string): RestoreOfDrill {
  const checks = drill.checks.map((check) =>
    check.name === 'archive' && check.passed
      ? { ...check, passed: false, detail: `Damaged or missing: backup ${label}.` }
      : check,
  )
  return { ...drill, checks, damagedBackups: drill.damagedBackups + 1 }
}

/** Whether it is known where recovery is to stop; a lost source's transaction is searched for after the fetch. */
const isLocated = ({ walTarget, targetTime, endOfWal }: RestoreMemo): boolean =>
  walTarget !== null || targetTime !== null || endOfWal

/** Forgets the fetch, and what it has fetched. */
export async function startOver(context: RestoreContext): Promise<void> {
  const { deps, serverId, remember } = context
  await deps.driver.clearTask(serverId, FETCH)
  await emptyDataDirectory(context)
  remember({ fetchAttempts: 0, bytesDone: 0 })
}

/** What is left of one backup would be in the way of another. */
async function emptyDataDirectory({ deps, serverId }: RestoreContext): Promise<void> {
  const { dataDirectory } = deps.driver.paths(serverId)
  const argv = ['find', dataDirectory, '-mindepth', '1', '-delete'] as const
  const { exitCode, stderr } = await deps.driver.run(serverId, { argv })
  if (exitCode !== 0) throw new Error(`the data directory cannot be emptied: ${stderr}`)
}
