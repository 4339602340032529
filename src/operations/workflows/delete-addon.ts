import { z } from 'zod'
import { hasCompleteBackup, keepArchive } from '../../db/kept-archives.ts'
import { setDesiredState } from '../../db/servers.ts'
import { recordEvent } from '../../notify/outbox.ts'
import { dismantle } from '../dismantle.ts'
import { effectivePolicyOf } from '../effective-policy.ts'
import { awaitArchived, endSegment, hasWalLeft, noteEnd, storeRefuses } from '../last-commits.ts'
import { setAddonStatus } from '../progress.ts'
import { forgetArchive } from '../purge.ts'
import type { WorkDeps } from '../server-work.ts'
import { defineWorkflow, finish, go, type StepContext, wait } from '../workflow.ts'

/** A server that does not come up, or an archive that takes no WAL although its store answers: some two minutes of it. */
const POLLS_MAX = 60
const ATTEMPTS_MAX = 4
/** How often a store that is away is looked for: there is no hurry, and what is not archived would be lost. */
const STORE_POLL_SECONDS = 10
const OUTAGE_GRACE_SECONDS = 3600

const memo = z.object({
  /** How long the archive outlives the add-on; 0 when nothing is kept. */
  keepDays: z.int().default(0),
  /** The segment that holds the last commits. */
  endSegment: z.string().default(''),
  /** Since anything has moved. */
  polls: z.int().default(0),
  /** The last segment that was seen to be archived. */
  lastArchived: z.string().default(''),
  /** Whether the archive holds everything that was committed. */
  archiveComplete: z.boolean().default(true),
})

type Context = StepContext<z.infer<typeof memo>, WorkDeps>

/**
 * Removes an add-on's server. Its archive is kept for as long as the policy says, with everything that was committed,
 * and purged then. For that it waits as long as the store is away, and as long as WAL goes there. It is repeated until
 * it succeeds: there is nothing to undo.
 */
export const deleteAddon = defineWorkflow<WorkDeps>()({
  kind: 'addon.delete',
  memo,
  start: 'decide',
  onFailure: null,
  timeLimitSeconds: 3600,
  steps: {
    'decide': {
      async run(context) {
        const { deps, serverId, remember } = context
        const { deletedRetentionDays } = await effectivePolicyOf(deps, context)
        const keepDays = (await hasCompleteBackup(deps.db, serverId)) ? deletedRetentionDays : 0
        remember({ keepDays })
        return go(keepDays > 0 ? 'end-segment' : 'release')
      },
    },

    'end-segment': {
      async run(context) {
        const { deps, attempt, remember } = context
        if (attempt > ATTEMPTS_MAX) return giveUp(context)
        const ended = await endSegment(deps, context)
        if (ended === 'gone') return giveUp(context)
        if (ended === 'not-yet') return pollAgain(context)
        remember({ endSegment: ended.segment })
        return go('await-archived')
      },
    },

    'await-archived': {
      async run(context) {
        const { deps, attempt, memo, signal } = context
        if (attempt > ATTEMPTS_MAX) return giveUp(context)
        const archived = await awaitArchived(deps, context, memo.endSegment, signal)
        if (archived === 'archived') return go('release')
        if (archived === 'gone') return giveUp(context)
        if (archived === 'not-yet') return pollAgain(context)
        // Only a new marker tells, as the archiver has forgotten what it archived.
        if (archived === 'stopped') return pollAgain(context, 'end-segment')
        return awaitMore(context, archived.lastArchived ?? '')
      },
    },

    /** From here on the reconciler does not start the server again. */
    'release': {
      async run({ serverId, memo, inCommit }) {
        inCommit((tx) => setDesiredState(tx, serverId, 'absent'))
        return go(memo.keepDays > 0 ? 'stop' : 'dismantle')
      },
    },

    /** A fast shutdown archives what has been committed since (PostgreSQL manual, 19.5 and 26.3.1). */
    'stop': {
      async run({ deps, serverId }) {
        await deps.driver.stopPostgres(serverId, 'fast')
        return go('note-end')
      },
    },

    'note-end': {
      async run(context) {
        const { deps, serverId, memo, attempt, inCommit } = context
        if (attempt > ATTEMPTS_MAX) return go('dismantle')
        if (memo.archiveComplete && (await hasWalLeft(deps, context))) {
          inCommit((tx) => setDesiredState(tx, serverId, 'running'))
          return pollAgain(context, 'end-segment')
        }
        if (await storeRefuses(deps)) return awaitStore(context)
        await noteEnd(deps, context)
        return go('dismantle')
      },
    },

    'dismantle': {
      async run(context) {
        if (context.memo.keepDays > 0) await keep(context)
        else {
          await dismantle(context)
          context.inCommit((tx) => setAddonStatus(tx, context, 'deleted'))
          context.inCommit((tx) => forgetArchive(tx, context.deps.keyRing, context))
        }
        return finish()
      },
    },
  },
})

function pollAgain({ memo, remember }: Context, from?: 'end-segment') {
  if (memo.polls >= POLLS_MAX) return giveUp({ remember })
  remember({ polls: memo.polls + 1 })
  return from === undefined ? wait(1) : go(from)
}

/** WAL that moves will arrive, and a store that is away says nothing about WAL: only what stands still is counted. */
async function awaitMore(context: Context, lastArchived: string) {
  const { deps, memo, remember, extendDeadline } = context
  if (lastArchived > memo.lastArchived) {
    extendDeadline(OUTAGE_GRACE_SECONDS)
    remember({ lastArchived, polls: 0 })
    return wait(1)
  }
  return (await storeRefuses(deps)) ? awaitStore(context) : pollAgain(context)
}

function awaitStore({ remember, extendDeadline }: Context) {
  extendDeadline(OUTAGE_GRACE_SECONDS)
  remember({ polls: 0 })
  return wait(STORE_POLL_SECONDS)
}

/** Nobody can bring the rest into the archive: it is kept as it is, and said to be incomplete. */
function giveUp({ remember }: Pick<Context, 'remember'>) {
  remember({ archiveComplete: false })
  return go('release')
}

async function keep(context: Context): Promise<void> {
  const { deps, tenantId, serverId, addonId, memo, inCommit } = context
  await deps.driver.destroyInstance(serverId)
  const { archiveComplete } = memo
  inCommit((tx) => setAddonStatus(tx, context, 'deleted', null, { archiveComplete }))
  inCommit(async (tx) => {
    const keptUntil = await keepArchive(tx, serverId, memo.keepDays)
    await recordEvent(tx, { tenantId, type: 'archive.kept', payload: { addonId, keptUntil } })
  })
}
