import { failureOf, Problem } from '../../domain/problem.ts'
import { dismantle } from '../dismantle.ts'
import { endDrill } from '../drill/progress.ts'
import { finishRestore, setAddonStatus } from '../progress.ts'
import { anchor, awaitAnchor } from '../restore/anchor.ts'
import { allocate, awaitFetch, startFetch } from '../restore/fetch.ts'
import { chooseBase, findTarget, locate } from '../restore/locate.ts'
import { restoreMemo } from '../restore/memo.ts'
import { awaitRecovery, startRecovery } from '../restore/replay.ts'
import { admit, readWhatWasReached, secure } from '../restore/secure.ts'
import type { WorkDeps } from '../server-work.ts'
import { defineWorkflow, finish } from '../workflow.ts'

/** Brings a child of an add-on to a moment of the past. Its parent is not touched, but for the anchor. */
export const restoreAddon = defineWorkflow<WorkDeps>()({
  kind: 'restore.run',
  memo: restoreMemo,
  start: 'allocate',
  onFailure: 'dismantle',
  timeLimitSeconds: 1800,
  steps: {
    'allocate': { run: allocate },
    'locate': { run: locate },
    'find-target': { run: findTarget },
    'choose-base': { run: chooseBase },
    'start-fetch': { run: startFetch },
    'anchor': { run: anchor },
    'await-anchor': { run: awaitAnchor },
    'await-fetch': { run: awaitFetch },
    'start-recovery': { run: startRecovery },
    'await-recovery': { run: awaitRecovery },
    'read-reached': { run: readWhatWasReached },
    'secure': { run: secure },
    'admit': { run: admit },

    'dismantle': {
      async run(context) {
        await dismantle(context)
        const failure = context.failure ?? failureOf(new Problem('internal-error'))
        const status = failure.code === 'cancelled' ? 'cancelled' : 'failed'
        const { restoreId, drill } = context.memo
        if (drill !== null) {
          const end = { drillId: drill.drillId, restoreId, childAddonId: context.addonId, failure }
          context.inCommit((tx) => endDrill(tx, end))
          return finish()
        }
        context.inCommit((tx) => finishRestore(tx, context.memo.restoreId, { status, failure }))
        context.inCommit((tx) => setAddonStatus(tx, context, 'deleted'))
        return finish()
      },
    },
  },
})
