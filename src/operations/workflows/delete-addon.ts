import { z } from 'zod'
import { setDesiredState } from '../../db/servers.ts'
import { dismantle } from '../dismantle.ts'
import { setAddonStatus } from '../progress.ts'
import type { WorkDeps } from '../server-work.ts'
import { defineWorkflow, finish, go } from '../workflow.ts'

/** Removes an add-on's server and its archive. It is repeated until it succeeds: there is nothing to undo. */
export const deleteAddon = defineWorkflow<WorkDeps>()({
  kind: 'addon.delete',
  memo: z.object({}),
  start: 'release',
  onFailure: null,
  timeLimitSeconds: 3600,
  steps: {
    /** From here on the reconciler does not start the server again. */
    release: {
      async run({ serverId, inCommit }) {
        inCommit((tx) => setDesiredState(tx, serverId, 'absent'))
        return go('dismantle')
      },
    },

    dismantle: {
      async run(context) {
        await dismantle(context)
        context.inCommit((tx) => setAddonStatus(tx, context, 'deleted'))
        return finish()
      },
    },
  },
})
