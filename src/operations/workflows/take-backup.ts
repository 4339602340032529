import { z } from 'zod'
import type { BackupInfo } from '../../backup/engine.ts'
import type { Tx } from '../../db/client.ts'
import { failureOf, Problem } from '../../domain/problem.ts'
import type { TaskReport } from '../../drivers/driver.ts'
import { soundType } from '../backup-base.ts'
import { planServer } from '../backup-planner.ts'
import { findRecordedLabels, noteBackupRate, recordBackup, setBackupStatus } from '../backup-progress.ts'
import { assertRoom } from '../backup-room.ts'
import { slotPollSeconds, takeSlot } from '../backup-slots.ts'
import { labelsToExpire } from '../expiry.ts'
import { reviseKnownGaps } from '../known-gaps.ts'
import { listBackups } from '../list-backups.ts'
import { openOperation } from '../open.ts'
import { archiveAccess, engineServer, loadServer, type WorkDeps } from '../server-work.ts'
import { defineWorkflow, finish, go, type StepContext, wait } from '../workflow.ts'

const ATTEMPTS_MAX = 3
const POLL_SECONDS = 2
const RETRY_SECONDS = 10
const PROGRESS_GRACE_SECONDS = 1800

const memo = z.object({
  backupId: z.string(),
  type: z.enum(['full', 'differential', 'incremental']),
  attempts: z.int().default(0),
  percent: z.number().default(0),
  /** How often it has asked for a slot in vain. */
  slotPolls: z.int().default(0),
})

type Context = StepContext<z.infer<typeof memo>, WorkDeps>

/** The task is named after the operation, so that a later backup of the same server never meets its remains. */
const taskOf = ({ operationId }: Context) => `backup-${operationId}`

/** Takes one base backup of a server into its archive. */
export const takeBackup = defineWorkflow<WorkDeps>()({
  kind: 'backup.take',
  memo,
  start: 'await-slot',
  onFailure: 'record-failure',
  timeLimitSeconds: PROGRESS_GRACE_SECONDS,
  steps: {
    /** Others come first, which is no lack of progress. */
    'await-slot': {
      async run({ deps, memo, remember, extendDeadline }) {
        deps.assertHeld()
        const { isTaken, isNext } = await takeSlot(deps.db, memo.backupId, deps.backupsMax)
        if (isTaken) return go('check-room')
        extendDeadline(PROGRESS_GRACE_SECONDS)
        remember({ slotPolls: memo.slotPolls + 1 })
        return wait(slotPollSeconds(memo.slotPolls, isNext))
      },
    },

    'check-room': {
      async run(context) {
        const { deps, remember } = context
        const listed = await listForBase(context)
        if (!Array.isArray(listed)) return retry(context, listed)
        const type = await soundType(deps.db, context.serverId, context.memo.type, listed)
        await assertRoom(deps, await loadServer(deps, context), type)
        remember({ type })
        return go('start-backup')
      },
    },

    'start-backup': {
      async run(context) {
        const { deps, serverId, memo } = context
        const server = await loadServer(deps, context)
        const self = engineServer(deps, server)
        // The port may be another one than when the archive was made.
        await deps.driver.writeConfig(
          serverId,
          deps.engine.configFiles('own', self, archiveAccess(deps, server)),
        )
        await deps.driver.startTask(serverId, taskOf(context), deps.engine.backupTask(self, memo.type))
        return go('await-backup')
      },
    },

    'await-backup': {
      async run(context) {
        const { deps, serverId, memo, remember } = context
        const task = await deps.driver.checkTask(serverId, taskOf(context))
        switch (task.state) {
          case 'running': {
            const percent = deps.engine.progressOf('backup', task).percent ?? 0
            if (percent > memo.percent) context.extendDeadline(PROGRESS_GRACE_SECONDS)
            remember({ percent })
            return wait(POLL_SECONDS, () => deps.driver.taskEnded(serverId, taskOf(context)))
          }
          case 'succeeded':
            return go('record-backup')
          case 'not-started':
            return go('start-backup')
          case 'failed':
            return retry(context, task)
        }
      },
    },

    'record-backup': {
      async run(context) {
        const { deps, serverId, inCommit } = context
        const { listed, detailOf } = await look(context)
        const backup = await newestUnrecorded(context, listed)
        if ((await detailOf(backup.label))?.hasTablespaces === true)
          throw new Problem('tablespace-unsupported')
        await deps.driver.clearTask(serverId, taskOf(context))
        inCommit((tx) => recordBackup(tx, context.memo.backupId, backup))
        inCommit((tx) => noteBackupRate(tx, backup))
        inCommit((tx) => reviseKnownGaps(tx, serverId))
        inCommit((tx) => planServer(tx, deps.platformPolicy, serverId))
        inCommit((tx) => expireNext(tx, context, listed))
        return finish()
      },
    },

    'record-failure': {
      async run(context) {
        const { deps, serverId, inCommit } = context
        await deps.driver.clearTask(serverId, taskOf(context))
        const failure = context.failure ?? failureOf(new Problem('backup-failed'))
        const status = failure.code === 'cancelled' ? 'cancelled' : 'failed'
        inCommit((tx) => setBackupStatus(tx, context.memo.backupId, status, failure))
        inCommit((tx) => planServer(tx, deps.platformPolicy, serverId))
        return finish()
      },
    },
  },
})

type Said = Pick<TaskReport, 'stdoutTail' | 'stderrTail'>

/** What the backup may build upon, or what was said in place of a list; a full one builds upon nothing. */
async function listForBase(context: Context): Promise<BackupInfo[] | Said> {
  const { deps, serverId, memo } = context
  if (memo.type === 'full') return []
  const server = await loadServer(deps, context)
  const self = engineServer(deps, server)
  const files = deps.engine.configFiles('own', self, archiveAccess(deps, server))
  await deps.driver.writeConfig(serverId, files)
  const { exitCode, stdout, stderr } = await deps.driver.run(
    serverId,
    deps.engine.listBackups(self, 'own', serverId),
  )
  if (exitCode !== 0) return { stdoutTail: stdout, stderrTail: stderr }
  try {
    return deps.engine.parseBackups(stdout)
  } catch (error) {
    // An outage may pass, as one that the backup itself meets may.
    if (!(error instanceof Problem && error.code === 'archive-unreachable')) throw error
    return { stdoutTail: '', stderrTail: String(error.cause) }
  }
}

async function retry(context: Context, { stdoutTail, stderrTail }: Said) {
  const { deps, serverId, memo, remember } = context
  if (deps.engine.isUnreadable({ stdoutTail, stderrTail })) throw new Problem('archive-unreadable')
  if (memo.attempts + 1 >= ATTEMPTS_MAX)
    throw new Problem('backup-failed', { cause: stdoutTail + stderrTail })
  remember({ attempts: memo.attempts + 1 })
  await deps.driver.clearTask(serverId, taskOf(context))
  // The step comes again: `await-backup` finds no task then, and starts it once more.
  return wait(RETRY_SECONDS)
}

/**
 * Lists the archive, and at the same time what the task says it has made: each takes as long as the other. Tablespaces
 * are told in detail only; a backup with some is refused, as a child would be given links to its parent's files
 * (pitfall 15).
 */
async function look(context: Context) {
  const { deps, serverId } = context
  const label = deps.engine.madeBackup(await deps.driver.checkTask(serverId, taskOf(context)))
  const inDetail = async (of: string) =>
    (await listBackups(deps, context, of)).find((backup) => backup.label === of)
  const [listed, made] = await Promise.all([
    listBackups(deps, context),
    label === null ? undefined : inDetail(label),
  ])
  return { listed, detailOf: (of: string) => (of === label ? made : inDetail(of)) }
}

/** The backup the task has made: the newest in the archive that no row names. */
async function newestUnrecorded(context: Context, listed: readonly BackupInfo[]): Promise<BackupInfo> {
  const recorded = new Set(await findRecordedLabels(context.deps.db, context.serverId))
  const broken = new Set(listed.filter(({ hasErrors }) => hasErrors).map(({ label }) => label))
  const backup = listed.findLast(
    ({ label, referenceLabels }) =>
      !recorded.has(label) && ![label, ...referenceLabels].some((each) => broken.has(each)),
  )
  if (backup === undefined)
    throw new Problem('backup-failed', { cause: 'pgBackRest ended well, and no new backup is listed' })
  return backup
}

/** With a new backup, older ones may have become dispensable. */
async function expireNext(tx: Tx, context: Context, listed: readonly BackupInfo[]): Promise<void> {
  const { deps, tenantId, addonId, serverId } = context
  if ((await labelsToExpire(tx, context, listed, deps.platformPolicy)).length === 0) return
  await openOperation(tx, { tenantId, addonId, serverId, kind: 'archive.expire', memo: {} })
}
