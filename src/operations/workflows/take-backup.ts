import { z } from 'zod'
import type { BackupInfo } from '../../backup/engine.ts'
import { failureOf, Problem } from '../../domain/problem.ts'
import { findRecordedLabels, noteBackupRate, recordBackup, setBackupStatus } from '../backup-progress.ts'
import { reviseKnownGaps } from '../gap-stall.ts'
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
})

type Context = StepContext<z.infer<typeof memo>, WorkDeps>

/** The task is named after the operation, so that a later backup of the same server never meets its remains. */
const taskOf = ({ operationId }: Context) => `backup-${operationId}`

/** Takes one base backup of a server into its archive. */
export const takeBackup = defineWorkflow<WorkDeps>()({
  kind: 'backup.take',
  memo,
  start: 'start-backup',
  onFailure: 'record-failure',
  timeLimitSeconds: PROGRESS_GRACE_SECONDS,
  steps: {
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
        context.inCommit((tx) => setBackupStatus(tx, context.memo.backupId, 'running', null))
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
            return retry(context, task.stdoutTail + task.stderrTail)
        }
      },
    },

    'record-backup': {
      async run(context) {
        const { deps, serverId } = context
        const backup = await newestUnrecorded(context)
        await deps.driver.clearTask(serverId, taskOf(context))
        context.inCommit((tx) => recordBackup(tx, context.memo.backupId, backup))
        context.inCommit((tx) => noteBackupRate(tx, backup))
        context.inCommit((tx) => reviseKnownGaps(tx, context))
        return finish()
      },
    },

    'record-failure': {
      async run(context) {
        await context.deps.driver.clearTask(context.serverId, taskOf(context))
        const failure = context.failure ?? failureOf(new Problem('backup-failed'))
        const status = failure.code === 'cancelled' ? 'cancelled' : 'failed'
        context.inCommit((tx) => setBackupStatus(tx, context.memo.backupId, status, failure))
        return finish()
      },
    },
  },
})

async function retry(context: Context, output: string) {
  const { deps, serverId, memo, remember } = context
  if (memo.attempts + 1 >= ATTEMPTS_MAX) throw new Problem('backup-failed', { cause: output })
  remember({ attempts: memo.attempts + 1 })
  await deps.driver.clearTask(serverId, taskOf(context))
  // `await-backup` finds no task then, and starts it again.
  return wait(RETRY_SECONDS)
}

/**
 * The backup the task has made: the newest in the archive that no row names. One with tablespaces is refused, as a child
 * would be given links to its parent's files (pitfall 15).
 */
async function newestUnrecorded(context: Context): Promise<BackupInfo> {
  const recorded = new Set(await findRecordedLabels(context.deps.db, context.serverId))
  const backup = (await listBackups(context)).findLast(({ label }) => !recorded.has(label))
  if (backup === undefined)
    throw new Problem('backup-failed', { cause: 'pgBackRest ended well, and no new backup is listed' })
  const [inDetail] = (await listBackups(context, backup.label)).filter(({ label }) => label === backup.label)
  if (inDetail?.hasTablespaces === true) throw new Problem('tablespace-unsupported')
  return backup
}

async function listBackups(context: Context, label?: string): Promise<BackupInfo[]> {
  const { deps, serverId } = context
  const server = engineServer(deps, await loadServer(deps, context))
  const listed = await deps.driver.run(serverId, deps.engine.listBackups(server, 'own', serverId, label))
  if (listed.exitCode !== 0) throw new Error(`the archive cannot be listed: ${listed.stdout}${listed.stderr}`)
  return deps.engine.parseBackups(listed.stdout)
}
