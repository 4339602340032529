import { z } from 'zod'
import { recordEvent } from '../../notify/outbox.ts'
import { forgetArchive } from '../purge.ts'
import type { WorkDeps } from '../server-work.ts'
import { defineWorkflow, finish } from '../workflow.ts'

/** Removes the archive of a deleted add-on whose time is over. While this is open no restore of it begins. */
export const purgeArchive = defineWorkflow<WorkDeps>()({
  kind: 'archive.purge',
  memo: z.object({}),
  start: 'destroy',
  onFailure: null,
  timeLimitSeconds: 3600,
  steps: {
    destroy: {
      async run({ deps, tenantId, serverId, addonId, inCommit }) {
        await deps.archives.destroy(tenantId, serverId)
        inCommit(async (tx) => {
          await forgetArchive(tx, deps.keyRing, { serverId, addonId })
          await recordEvent(tx, { tenantId, type: 'archive.purged', payload: { addonId } })
        })
        return finish()
      },
    },
  },
})
