import { type ServerRecord, setDesiredState } from '../../db/servers.ts'
import { Problem } from '../../domain/problem.ts'
import { waitUntil } from '../../lib/wait-until.ts'
import { canLogIn, untilAdmitted } from '../../postgres/admission.ts'
import { withAdmin } from '../../postgres/connect.ts'
import { admitLogins } from '../../postgres/logins.ts'
import { readRecovered } from '../../postgres/reached.ts'
import { secureRoles } from '../../postgres/roles.ts'
import { dormantSettings } from '../../postgres/settings.ts'
import {
  disableSubscriptions,
  type OpenAdmin,
  rollbackPreparedTransactions,
} from '../../postgres/side-effects.ts'
import { sealContext } from '../../secrets/key-ring.ts'
import { recordRestored } from '../drill/progress.ts'
import { finishRestore, saveRestore, setAddonAvailable } from '../progress.ts'
import {
  adminConnection,
  asAdmin,
  engineServer,
  portOf,
  type ServerMode,
  startServer,
  writeServerConfig,
} from '../server-work.ts'
import { finish, go } from '../workflow.ts'
import { FETCH } from './fetch.ts'
import { identitiesOf, noteIdentities } from './identities.ts'
import { enterPhase, loadRestore, type RestoreContext, type RestoreOfDrill } from './memo.ts'
import { progressOf } from './progress.ts'
import { noteRestoreRates } from './rates.ts'

const ADMITTED_SECONDS_MAX = 10
const SERVING: ServerMode = { access: 'serving', archiving: false, recovery: '' }
/** A drill's child: its owner's login is tried, and no client ever gets in. */
const LOOKED_AT: ServerMode = { access: 'private', archiving: false, recovery: dormantSettings() }

/** What the child holds, read before anything of ours is committed on it. */
export async function readWhatWasReached(context: RestoreContext) {
  const { deps, memo, inCommit } = context
  const { child, source } = await loadRestore(context)
  await ensureRuns(context, child)
  const [found] = await Promise.all([
    withAdmin(adminConnection(deps, child), readRecovered),
    leaveSource(context, child, source),
  ])
  if (found.inRecovery || found.timeline <= memo.timeline) throw new Error('the server has not left recovery')
  if (!found.databases.includes(child.databaseName)) throw new Problem('restored-empty')

  const { lsn, xid, timeline } = found
  // A server that has been started again since remembers no commit; its log does.
  const time = found.time ?? memo.log?.lastCompletedTransactionAt ?? null
  const exact = memo.log?.stopped != null
  const reached = { time, lsn, xid, timeline, exact, reason: exact ? null : ('end_of_wal' as const) }
  const phaseSeconds = enterPhase(context, 'securing')
  inCommit((tx) =>
    saveRestore(tx, memo.restoreId, {
      phase: 'securing',
      reached,
      phaseSeconds,
      progress: progressOf(context),
    }),
  )
  return go('secure')
}

/** New names and passwords for the owner and the further credentials, no way in for anybody else, and nothing that acts on the outside by itself. */
export async function secure(context: RestoreContext) {
  const { deps, serverId, memo, inCommit } = context
  const { child, source } = await loadRestore(context)
  await ensureRuns(context, child)
  const connection = adminConnection(deps, child)
  const openAdmin: OpenAdmin = (database, use) => asAdmin(deps, { ...connection, database }, use)
  const { owner, others } = await identitiesOf(context, child, source)
  const securedRoles = await openAdmin('postgres', (client) => secureRoles(client, owner, others))
  const { databaseName } = child
  if (others.length > 0)
    await openAdmin(databaseName, (client) =>
      admitLogins(client, others, { databaseName, owner: child.username }),
    )
  await rollbackPreparedTransactions(openAdmin)
  const subscriptions = await disableSubscriptions(openAdmin)
  await deps.driver.writeConfig(serverId, removed(deps.engine.configFileNames('source')))
  await writeServerConfig(deps, child, memo.drill === null ? SERVING : LOOKED_AT)
  if (subscriptions > 0 && memo.drill === null) {
    // Replay went without logical replication workers, a setting that only a start changes.
    await deps.driver.stopPostgres(serverId, 'fast')
    await startServer(deps, child)
  } else await deps.driver.reloadPostgres(serverId)
  inCommit((tx) => saveRestore(tx, memo.restoreId, { securedRoles }))
  return go('admit')
}

/** The child is handed over once its owner really gets in. */
export async function admit(context: RestoreContext) {
  const { deps, serverId, memo, inCommit, followUp } = context
  const { child } = await loadRestore(context)
  await ensureRuns(context, child)
  const login = {
    // Its own socket, as on the network somebody else might listen.
    host: deps.driver.paths(serverId).socketDirectory,
    port: portOf(child),
    user: child.username,
    password: ownPassword(context, child.passwordSealed),
    database: child.databaseName,
  }
  const admitted = await waitUntil(() => canLogIn(login), {
    timeoutSeconds: ADMITTED_SECONDS_MAX,
    everyMilliseconds: 10,
  })
  if (!admitted) throw new Error('the new owner cannot log in')

  const phaseSeconds = enterPhase(context, 'done')
  const progress = { ...progressOf(context), percent: 100, etaSeconds: 0 }
  inCommit((tx) => saveRestore(tx, memo.restoreId, { phaseSeconds, progress }))
  inCommit((tx) => finishRestore(tx, memo.restoreId, { status: 'succeeded', failure: null }))
  inCommit((tx) => noteRestoreRates(tx, memo, phaseSeconds))
  if (memo.drill !== null) return handToDrill(context, memo.drill, phaseSeconds['total'] ?? null)
  inCommit((tx) => setDesiredState(tx, serverId, 'running'))
  inCommit((tx) => setAddonAvailable(tx, context))
  noteIdentities(context)
  followUp({ kind: 'server.protect', memo: {} })
  return finish()
}

/** A client could have logged in by now; instead, what was restored is looked at. */
function handToDrill(
  { memo, inCommit, followUp }: RestoreContext,
  drill: RestoreOfDrill,
  rtoSeconds: number | null,
) {
  const { drillId, sourceCommittedAt, checks, damagedBackups } = drill
  const { restoreId, label } = memo
  inCommit((tx) => recordRestored(tx, drillId, { restoreId, label, rtoSeconds, sourceCommittedAt }))
  followUp({ kind: 'drill.check', memo: { drillId, restoreId, checks, damagedBackups } })
  return finish()
}

/** A server that has recovered and then died goes on from where it was; only the reconciler of a later time would see it. */
export async function ensureRuns(
  { deps, serverId }: Pick<RestoreContext, 'deps' | 'serverId'>,
  child: ServerRecord,
): Promise<void> {
  if ((await deps.driver.postgresState(serverId)) === 'running') return
  await startServer(deps, child)
  await untilAdmitted(adminConnection(deps, child), ADMITTED_SECONDS_MAX)
}

/** WAL fetched ahead may go past the target, and what the fetch has printed names the source's archive. */
async function leaveSource(
  { deps, serverId }: RestoreContext,
  child: ServerRecord,
  source: ServerRecord,
): Promise<void> {
  const ended = await deps.driver.run(
    serverId,
    deps.engine.endFetching(engineServer(deps, child), source.serverId),
  )
  if (ended.exitCode !== 0) throw new Error(`fetching WAL cannot be ended: ${ended.stdout}${ended.stderr}`)
  await deps.driver.clearTask(serverId, FETCH)
}

const ownPassword = ({ deps, addonId }: RestoreContext, sealed: string): string =>
  deps.keyRing.open(sealed, sealContext.addonPassword(addonId))

const removed = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, null]))
