import { z } from 'zod'
import { setDesiredState } from '../../db/servers.ts'
import { Problem } from '../../domain/problem.ts'
import { untilAdmitted } from '../../postgres/admission.ts'
import { createOwner } from '../../postgres/roles.ts'
import { scramVerifier } from '../../postgres/scram.ts'
import { sealContext } from '../../secrets/key-ring.ts'
import { dismantle } from '../dismantle.ts'
import { setAddonAvailable, setAddonFailed } from '../progress.ts'
import {
  adminConnection,
  asAdmin,
  ensurePort,
  loadServer,
  startServer,
  type WorkDeps,
  writeServerConfig,
} from '../server-work.ts'
import { defineWorkflow, finish, go, wait } from '../workflow.ts'

const INIT = 'initdb'
const START_SECONDS_MAX = 30

/** Makes a new server for an add-on, with the owner's role and database. Its protection follows. */
export const provisionAddon = defineWorkflow<WorkDeps>()({
  kind: 'addon.provision',
  memo: z.object({ initAttempts: z.int().default(0) }),
  start: 'reserve-port',
  onFailure: 'dismantle',
  timeLimitSeconds: 600,
  steps: {
    'reserve-port': {
      async run(context) {
        const server = await loadServer(context.deps, context)
        await ensurePort(context.deps, server)
        return go('start-init')
      },
    },

    'start-init': {
      async run({ deps, serverId, ...context }) {
        const server = await loadServer(deps, { serverId, tenantId: context.tenantId })
        await deps.driver.ensureInstance(serverId)
        await deps.driver.startTask(serverId, INIT, {
          argv: initArgv(
            deps.driver.program(server.postgresVersion, 'initdb'),
            deps.driver.paths(serverId).dataDirectory,
          ),
        })
        return go('await-init')
      },
    },

    'await-init': {
      async run({ deps, serverId, memo, remember }) {
        const task = await deps.driver.checkTask(serverId, INIT)
        switch (task.state) {
          case 'running':
            return wait(2, () => deps.driver.taskEnded(serverId, INIT))
          case 'succeeded':
            return go('start-server')
          case 'not-started':
            return go('start-init')
          case 'failed':
            if (memo.initAttempts >= 2) throw new Problem('provisioning-failed', { cause: task.stderrTail })
            remember({ initAttempts: memo.initAttempts + 1 })
            await deps.driver.clearTask(serverId, INIT)
            return go('start-init')
        }
      },
    },

    'start-server': {
      async run(context) {
        const { deps } = context
        const server = await loadServer(deps, context)
        await writeServerConfig(deps, server, { access: 'serving', archiving: false, recovery: '' })
        await startServer(deps, server)
        return go('create-owner')
      },
    },

    'create-owner': {
      async run(context) {
        const { deps, addonId, serverId } = context
        const server = await loadServer(deps, context)
        const connection = adminConnection(deps, server)
        if (!(await untilAdmitted(connection, START_SECONDS_MAX))) {
          if ((await deps.driver.postgresState(serverId)) !== 'running') return go('start-server')
          return wait(1)
        }
        const { username, databaseName } = server
        const verifier = scramVerifier(
          deps.keyRing.open(server.passwordSealed, sealContext.addonPassword(addonId)),
        )
        await asAdmin(deps, connection, (client) => createOwner(client, { username, verifier, databaseName }))
        context.inCommit((tx) => setDesiredState(tx, serverId, 'running'))
        context.inCommit((tx) => setAddonAvailable(tx, context))
        context.followUp({ kind: 'server.protect', memo: {} })
        return finish()
      },
    },

    dismantle: {
      async run(context) {
        await dismantle(context)
        context.inCommit((tx) => setAddonFailed(tx, context, context.failure))
        return finish()
      },
    },
  },
})

/**
 * What an initdb that was ended leaves behind would stop the next one, so the task itself begins with an empty
 * directory. Checksums find a damaged page; with peer on the socket not even the first start admits anybody else.
 */
function initArgv(initdb: string, dataDirectory: string): [string, ...string[]] {
  const options = [
    `--pgdata=${dataDirectory}`,
    '--username=undrop_admin',
    '--auth-local=peer',
    '--auth-host=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C.UTF-8',
    '--data-checksums',
    '--no-instructions',
  ]
  return ['sh', '-c', 'find "$0" -mindepth 1 -delete && exec "$@"', dataDirectory, initdb, ...options]
}
