import { z } from 'zod'
import { noteArchiving, noteMaking } from '../../db/servers.ts'
import { newId } from '../../domain/ids.ts'
import { Problem } from '../../domain/problem.ts'
import { archiveAccess, engineServer, loadServer, type WorkDeps, writeServerConfig } from '../server-work.ts'
import { defineWorkflow, finish, go } from '../workflow.ts'

/** Gives a server its own archive and has its WAL shipped there from now on. The first base backup follows. */
export const protectServer = defineWorkflow<WorkDeps>()({
  kind: 'server.protect',
  memo: z.object({}),
  start: 'note-making',
  onFailure: 'leave',
  timeLimitSeconds: 3600,
  steps: {
    /** Known before there is anything in the store, so that what is left of it is never overlooked. */
    'note-making': {
      async run({ serverId, inCommit }) {
        inCommit((tx) => noteMaking(tx, serverId))
        return go('create-archive')
      },
    },

    'create-archive': {
      async run(context) {
        const { deps, tenantId, serverId } = context
        const server = await loadServer(deps, context)
        await deps.archives.ensure(tenantId, serverId)
        const self = engineServer(deps, server)
        await deps.driver.writeConfig(
          serverId,
          deps.engine.configFiles('own', self, archiveAccess(deps, server)),
        )
        const created = await deps.driver.run(serverId, deps.engine.createArchive(self))
        if (created.exitCode === 0) return go('start-archiving')
        if (deps.engine.isUnreadable(created)) throw new Problem('archive-unreadable')
        if (deps.engine.isHalfMade(created) && !server.hasArchived)
          await deps.archives.destroy(tenantId, serverId)
        throw new Error(`creating the archive failed: ${lastLine(created.stdout + created.stderr)}`)
      },
    },

    'start-archiving': {
      async run(context) {
        const { deps, tenantId, serverId, addonId } = context
        const server = await loadServer(deps, context)
        await writeServerConfig(deps, server, { access: 'serving', archiving: true, recovery: '' })
        await deps.driver.reloadPostgres(serverId)
        const backupId = newId('backup')
        context.inCommit((tx) => noteArchiving(tx, serverId))
        context.inCommit(async (tx) => {
          const backup = { id: backupId, tenant_id: tenantId, addon_id: addonId, server_id: serverId }
          await tx
            .insertInto('backup')
            .values({ ...backup, type: 'full', status: 'queued' })
            .execute()
        })
        context.followUp({ kind: 'backup.take', memo: { backupId, type: 'full' } })
        return finish()
      },
    },

    /** The server stays as it is, unprotected; the reconciler tries again while the add-on exists. */
    leave: { run: async () => finish() },
  },
})

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? ''
}
