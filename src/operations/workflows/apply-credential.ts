import { z } from 'zod'
import { type CredentialWork, getCredentialWork } from '../../db/credential-work.ts'
import type { ServerRecord } from '../../db/servers.ts'
import { untilAdmitted } from '../../postgres/admission.ts'
import { createLogin, dropLogins, endSessions, type Rotated, rotateLogin } from '../../postgres/logins.ts'
import { scramVerifier } from '../../postgres/scram.ts'
import type { OpenAdmin } from '../../postgres/side-effects.ts'
import { sealContext } from '../../secrets/key-ring.ts'
import { noteCredentialMade, noteDropped, noteRotated, retryLater } from '../credential-progress.ts'
import { adminConnection, asAdmin, loadServer, type WorkDeps } from '../server-work.ts'
import { defineWorkflow, finish, go, type StepContext, wait } from '../workflow.ts'

const ADMITTED_SECONDS_MAX = 5
/** The time in which a session that was let in just before shows. */
const LOOK_AGAIN_SECONDS = 0.5
const RETRY_SECONDS = 60

const memo = z.object({
  credentialId: z.string(),
  /** How often sessions have been looked for. */
  looks: z.int().default(0),
})

type Context = StepContext<z.infer<typeof memo>, WorkDeps>

/**
 * Brings a server to what the metadata says of one credential: its login is made, replaced or dropped, and old logins
 * whose time is over go. Goes on beside other work on the server. While the server is down it waits, and when it is given
 * up the sweeper begins it again.
 */
export const applyCredential = defineWorkflow<WorkDeps>()({
  kind: 'credential.apply',
  memo,
  start: 'apply',
  onFailure: 'leave',
  timeLimitSeconds: 600,
  steps: {
    'apply': { run: apply },
    'end-sessions': { run: endOldSessions },

    'drop-logins': {
      async run(context) {
        const { work, server } = await load(context)
        const usernames = endingLogins(work)
        const owner = { databaseName: server.databaseName, owner: server.username }
        await dropLogins(openAdminOf(context, server), usernames, owner)
        context.inCommit((tx) => noteDropped(tx, refOf(context), usernames))
        return finish()
      },
    },

    'leave': {
      async run({ memo, inCommit }) {
        inCommit((tx) => retryLater(tx, memo.credentialId, RETRY_SECONDS))
        return finish()
      },
    },
  },
})

async function apply(context: Context) {
  const { deps, inCommit } = context
  const { work, server } = await load(context)
  if (!(await untilAdmitted(adminConnection(deps, server), ADMITTED_SECONDS_MAX))) return wait(1)
  switch (work.status) {
    case 'pending':
      await make(context, work, server)
      inCommit((tx) => noteCredentialMade(tx, refOf(context)))
      return finish()
    case 'rotating': {
      const rotated = await rotate(context, work, server)
      inCommit((tx) => noteRotated(tx, deps.keyRing, refOf(context), work, rotated))
      return work.overlapSeconds === 0 ? go('end-sessions') : finish()
    }
    case 'active':
    case 'deleting':
      return go('end-sessions')
    case 'deleted':
      return finish()
  }
}

/** Twice at least, and until there is none. */
async function endOldSessions(context: Context) {
  const { deps, memo, remember } = context
  const { work, server } = await load(context)
  const usernames = endingLogins(work)
  if (usernames.length === 0) return finish()
  const connection = adminConnection(deps, server)
  if (!(await untilAdmitted(connection, ADMITTED_SECONDS_MAX))) return wait(1)
  const successor = successorOf(context, work, server)
  const ended = await asAdmin(deps, connection, (client) => endSessions(client, { usernames, successor }))
  remember({ looks: memo.looks + 1 })
  return ended > 0 || memo.looks === 0 ? wait(LOOK_AGAIN_SECONDS) : go('drop-logins')
}

/** The present login, where it goes on. */
function successorOf(context: Context, work: CredentialWork, server: ServerRecord) {
  const olderThan = work.oldLogins.findLast(({ isOver }) => isOver)?.replacedAt
  if (olderThan === undefined || work.status === 'deleting') return null
  const { keyRing } = context.deps
  const password =
    work.passwordSealed === null
      ? keyRing.open(server.passwordSealed, sealContext.addonPassword(server.addonId))
      : keyRing.open(work.passwordSealed, sealContext.credentialPassword(context.memo.credentialId))
  return { username: work.username, password, olderThan }
}

/** Every login of a credential that is to be deleted, otherwise the old ones whose time is over. */
function endingLogins({ status, username, oldLogins }: CredentialWork): string[] {
  if (status === 'deleting') return [username, ...oldLogins.map((login) => login.username)]
  return oldLogins.filter(({ isOver }) => isOver).map((login) => login.username)
}

async function make(context: Context, work: CredentialWork, server: ServerRecord): Promise<void> {
  const { access, username, passwordSealed } = work
  const { username: owner, databaseName } = server
  if (access === 'owner' || passwordSealed === null) throw new Error('the owner is made with the add-on')
  const login = { username, access, owner, databaseName, verifier: verifierOf(context, passwordSealed) }
  await openAdminOf(context, server)(databaseName, (client) => createLogin(client, login))
}

async function rotate(context: Context, work: CredentialWork, server: ServerRecord): Promise<Rotated> {
  const { username, nextUsername, nextPasswordSealed, overlapSeconds, oldLogins } = work
  if (nextUsername === null || nextPasswordSealed === null) throw new Error('there is no next login')
  const rotation = {
    username,
    next: nextUsername,
    verifier: verifierOf(context, nextPasswordSealed),
    overlapSeconds: overlapSeconds ?? 0,
    older: oldLogins.map((login) => login.username),
  }
  return openAdminOf(context, server)('postgres', (client) => rotateLogin(client, rotation))
}

async function load(context: Context) {
  const { deps, memo } = context
  const [work, server] = await Promise.all([
    getCredentialWork(deps.db, memo.credentialId),
    loadServer(deps, context),
  ])
  return { work, server }
}

const openAdminOf =
  ({ deps }: Context, server: ServerRecord): OpenAdmin =>
  (database, use) =>
    asAdmin(deps, { ...adminConnection(deps, server), database }, use)

const verifierOf = ({ deps, memo }: Context, sealed: string): string =>
  scramVerifier(deps.keyRing.open(sealed, sealContext.credentialPassword(memo.credentialId)))

const refOf = ({ tenantId, addonId, memo }: Context) => ({
  tenantId,
  addonId,
  credentialId: memo.credentialId,
})
