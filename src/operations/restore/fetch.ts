import { chooseBackup } from '../../domain/choose-backup.ts'
import { Problem } from '../../domain/problem.ts'
import { segmentOfLsn } from '../../domain/wal-segment.ts'
import type { TaskReport } from '../../drivers/driver.ts'
import { findCompleteBackups } from '../backup-progress.ts'
import { saveRestore } from '../progress.ts'
import { archiveAccess, engineServer, ensurePort } from '../server-work.ts'
import { go, wait } from '../workflow.ts'
import { assertRoom } from './disk.ts'
import { enterPhase, loadRestore, type RestoreContext } from './memo.ts'
import { progressOf } from './progress.ts'

/** The task that fetches the base backup. */
export const FETCH = 'fetch'
const ATTEMPTS_MAX = 3
const RETRY_SECONDS = 5
const PROGRESS_GRACE_SECONDS = 1800

/** Chooses the base backup, and reserves what the child needs. */
export async function allocate(context: RestoreContext) {
  const { deps, memo, remember, inCommit } = context
  const { restore, child, source } = await loadRestore(context)
  const { target } = restore
  const backups = await findCompleteBackups(deps.db, source.serverId)
  const base = chooseBackup(backups, 'time' in target ? target.time : null)
  if (base === null) throw new Problem('target-before-window')
  const startSegment = segmentOfLsn(base.startLsn, base.timeline)
  await assertRoom(deps, child.serverId, source.serverId, { sizeBytes: base.sizeBytes, startSegment })
  await ensurePort(deps, child)
  remember({
    label: base.label,
    timeline: base.timeline,
    startSegment,
    bytesTotal: base.sizeBytes,
  })
  if (memo.phaseStartedAt === 0) {
    const phaseSeconds = enterPhase(context, 'anchoring')
    inCommit((tx) => saveRestore(tx, memo.restoreId, { phase: 'anchoring', phaseSeconds }))
  }
  return go('start-fetch')
}

/** The fetch needs no more than the backup's name, so it runs while the target is being anchored. */
export async function startFetch(context: RestoreContext) {
  const { deps, serverId, memo } = context
  const { child, source } = await loadRestore(context)
  await deps.driver.ensureInstance(serverId)
  const self = engineServer(deps, child)
  await deps.driver.writeConfig(
    serverId,
    deps.engine.configFiles('source', self, archiveAccess(deps, source, 'read')),
  )
  await deps.driver.startTask(serverId, FETCH, deps.engine.restoreTask(self, source.serverId, memo.label))
  return go(memo.phase === 'anchoring' ? 'anchor' : 'await-fetch')
}

/** @throws Problem `archive-unreadable` when that is what the fetch has failed of: nothing will mend it. */
export function assertReadable(
  { deps }: RestoreContext,
  { state, stdoutTail, stderrTail }: TaskReport,
): void {
  if (state === 'failed' && deps.engine.isUnreadable({ stdoutTail, stderrTail }))
    throw new Problem('archive-unreadable')
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
      return go('start-recovery')
    case 'running': {
      const { bytesDone } = deps.engine.progressOf('restore', task, memo.bytesTotal)
      if (bytesDone > memo.bytesDone) context.extendDeadline(PROGRESS_GRACE_SECONDS)
      remember({ bytesDone: Math.max(bytesDone, memo.bytesDone) })
      inCommit((tx) => saveRestore(tx, memo.restoreId, { progress: progressOf(context) }))
      return wait(1, () => deps.driver.taskEnded(serverId, FETCH))
    }
    case 'failed': {
      assertReadable(context, task)
      if (memo.fetchAttempts + 1 >= ATTEMPTS_MAX)
        throw new Problem('backup-unreadable', { cause: task.stdoutTail + task.stderrTail })
      remember({ fetchAttempts: memo.fetchAttempts + 1 })
      await deps.driver.clearTask(serverId, FETCH)
      // The next turn finds no task, and starts it again.
      return wait(RETRY_SECONDS)
    }
  }
}
