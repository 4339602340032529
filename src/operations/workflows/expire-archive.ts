import { z } from 'zod'
import { Problem } from '../../domain/problem.ts'
import { fullsLeft, giveUpExpired, giveUpUnlisted } from '../expiry.ts'
import { listBackups } from '../list-backups.ts'
import { archiveAccess, engineServer, loadServer, type WorkDeps } from '../server-work.ts'
import { defineWorkflow, finish, go, type StepContext, wait } from '../workflow.ts'

const ATTEMPTS_MAX = 3
const POLL_SECONDS = 5
const RETRY_SECONDS = 10

const memo = z.object({ attempts: z.int().default(0) })

type Context = StepContext<z.infer<typeof memo>, WorkDeps>

const taskOf = ({ operationId }: Context) => `expire-${operationId}`

/**
 * Removes from an archive what the retention policy does not keep. First no restore begins from it any more, then the
 * engine removes it, and the WAL that nothing else needs; a restore that is asked for in between uses what stays. While
 * one reads the archive nothing more is given up: the next backup tries again.
 */
export const expireArchive = defineWorkflow<WorkDeps>()({
  kind: 'archive.expire',
  memo,
  start: 'give-up',
  onFailure: 'leave',
  timeLimitSeconds: 1800,
  steps: {
    'give-up': {
      async run(context) {
        const { deps, inCommit } = context
        const listed = await listBackups(deps, context)
        inCommit((tx) => giveUpExpired(tx, context, listed, deps.platformPolicy))
        return go('start-expire')
      },
    },

    'start-expire': {
      async run(context) {
        const { deps, serverId } = context
        const keepFulls = await fullsLeft(deps.db, serverId, await listBackups(deps, context))
        if (keepFulls === 0) return finish()
        const server = await loadServer(deps, context)
        const self = engineServer(deps, server)
        const files = deps.engine.configFiles('own', self, archiveAccess(deps, server))
        await deps.driver.writeConfig(serverId, files)
        await deps.driver.startTask(serverId, taskOf(context), deps.engine.expireTask(self, keepFulls))
        return go('await-expire')
      },
    },

    'await-expire': {
      async run(context) {
        const { deps, serverId, memo, remember } = context
        const task = await deps.driver.checkTask(serverId, taskOf(context))
        switch (task.state) {
          case 'running':
            return wait(POLL_SECONDS, () => deps.driver.taskEnded(serverId, taskOf(context)))
          case 'succeeded':
            return go('compare')
          case 'not-started':
            return go('start-expire')
          case 'failed':
            if (memo.attempts + 1 >= ATTEMPTS_MAX)
              throw new Problem('archive-unreachable', { cause: task.stdoutTail + task.stderrTail })
            remember({ attempts: memo.attempts + 1 })
            await deps.driver.clearTask(serverId, taskOf(context))
            return wait(RETRY_SECONDS)
        }
      },
    },

    'compare': {
      async run(context) {
        const listed = await listBackups(context.deps, context)
        await context.deps.driver.clearTask(context.serverId, taskOf(context))
        context.inCommit((tx) => giveUpUnlisted(tx, context, listed))
        return finish()
      },
    },

    /** What was given up and is still there goes with the next expiry. */
    leave: {
      async run(context) {
        await context.deps.driver.clearTask(context.serverId, taskOf(context))
        return finish()
      },
    },
  },
})
