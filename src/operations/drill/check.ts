import type { ServerRecord } from '../../db/servers.ts'
import { type DrillCheck, failureOfChecks } from '../../domain/drill.ts'
import { amcheckTask, damagedRelations } from '../../postgres/amcheck.ts'
import { type ProbeResult, runProbe } from '../../postgres/probe.ts'
import { readAllRows } from '../../postgres/read-rows.ts'
import type { OpenAdmin } from '../../postgres/side-effects.ts'
import { sealContext } from '../../secrets/key-ring.ts'
import { dismantle } from '../dismantle.ts'
import { effectivePolicyOf } from '../effective-policy.ts'
import { ensureRuns } from '../restore/secure.ts'
import { adminConnection, asAdmin, portOf } from '../server-work.ts'
import { finish, go, wait } from '../workflow.ts'
import { type DrillContext, loadDrill } from './memo.ts'
import { endDrill, saveChecks } from './progress.ts'

const AMCHECK = 'amcheck'
const ATTEMPTS_MAX = 3
const POLL_SECONDS = 5

export async function startAmcheck(context: DrillContext) {
  const { deps, serverId, remember } = context
  const { child } = await loadDrill(context)
  await ensureRuns(context, child)
  const program = deps.driver.program(child.postgresVersion, 'pg_amcheck')
  await deps.driver.startTask(serverId, AMCHECK, amcheckTask(program, adminConnection(deps, child)))
  remember({ startedAt: Date.now() })
  return go('await-amcheck')
}

export async function awaitAmcheck(context: DrillContext) {
  const { deps, serverId, memo, remember } = context
  const task = await deps.driver.checkTask(serverId, AMCHECK)
  if (task.state === 'running') return wait(POLL_SECONDS, () => deps.driver.taskEnded(serverId, AMCHECK))
  if (task.state === 'not-started') return go('start-amcheck')
  const damaged = damagedRelations(task)
  if (damaged === null && memo.attempts + 1 < ATTEMPTS_MAX) {
    remember({ attempts: memo.attempts + 1 })
    await deps.driver.clearTask(serverId, AMCHECK)
    return go('start-amcheck')
  }
  return passOn(context, 'read-rows', {
    name: 'amcheck',
    passed: damaged === 0,
    seconds: (Date.now() - memo.startedAt) / 1000,
    detail:
      damaged === null
        ? 'pg_amcheck could not be run.'
        : damaged === 0
          ? 'No damage in tables or B-tree indexes.'
          : `Damaged tables and indexes: ${damaged}.`,
  })
}

export async function readRows(context: DrillContext) {
  const { deps, signal } = context
  const { child } = await loadDrill(context)
  await ensureRuns(context, child)
  const connection = adminConnection(deps, child)
  const openAdmin: OpenAdmin = (database, use) => asAdmin(deps, { ...connection, database }, use)
  const startedAt = Date.now()
  const { tables, rows, unreadable } = await readAllRows(openAdmin, () => {
    signal.throwIfAborted()
    deps.assertHeld()
  })
  const faults = unreadable === 0 ? '' : ` Tables that cannot be read: ${unreadable}.`
  return passOn(context, 'probe', {
    name: 'rows',
    passed: unreadable === 0,
    seconds: (Date.now() - startedAt) / 1000,
    detail: `Tables: ${tables}, rows: ${rows}.${faults}`,
  })
}

/** The tenant's own query, if there is one, as the tenant's own role. */
export async function probe(context: DrillContext) {
  const { deps, attempt } = context
  const { drill, child } = await loadDrill(context)
  const { tenant_id: tenantId, addon_id: addonId } = drill
  const { drillProbe: query } = await effectivePolicyOf(deps, { tenantId, addonId })
  if (query === null) return go('dismantle')
  const startedAt = Date.now()
  const result = attempt > ATTEMPTS_MAX ? UNANSWERED : await askChild(context, child, query)
  if (!result.passed && result.why === 'unanswered' && attempt < ATTEMPTS_MAX)
    throw new Error('the probe has had no answer')
  return passOn(context, 'dismantle', {
    name: 'probe',
    passed: result.passed,
    seconds: (Date.now() - startedAt) / 1000,
    detail: inWords(result),
  })
}

/** What is left to say when a worker or the server has died of the query, or at the same time, once too often. */
const UNANSWERED: ProbeResult = { passed: false, why: 'unanswered' }

async function askChild(context: DrillContext, child: ServerRecord, query: string): Promise<ProbeResult> {
  const { deps, addonId, serverId } = context
  await ensureRuns(context, child)
  const login = {
    host: deps.driver.paths(serverId).socketDirectory,
    port: portOf(child),
    user: child.username,
    password: deps.keyRing.open(child.passwordSealed, sealContext.addonPassword(addonId)),
    database: child.databaseName,
  }
  return runProbe(login, query, {
    program: deps.driver.program(child.postgresVersion, 'psql'),
    run: (command) => deps.driver.run(serverId, command),
  })
}

/** Nothing of the child is left when the drill says how it ended. */
export async function conclude(context: DrillContext) {
  const { addonId, memo, inCommit } = context
  await dismantle(context)
  const { drillId, restoreId, checks, damagedBackups } = memo
  const failure = context.failure ?? failureOfChecks(checks, damagedBackups)
  inCommit((tx) => endDrill(tx, { drillId, restoreId, childAddonId: addonId, failure }))
  return finish()
}

function passOn<const Step extends string>(context: DrillContext, next: Step, check: DrillCheck) {
  const { memo, remember, inCommit } = context
  const checks = [...memo.checks, check]
  remember({ checks, attempts: 0 })
  inCommit((tx) => saveChecks(tx, memo.drillId, checks))
  return go(next)
}

function inWords(result: ProbeResult): string {
  if (result.passed) return 'The first row begins with neither null nor false.'
  switch (result.why) {
    case 'no-row':
      return 'There is no row.'
    case 'null':
    case 'false':
      return `The first row begins with ${result.why}.`
    case 'timed-out':
      return 'The query timed out.'
    case 'unanswered':
      return 'The query had no answer.'
    case 'error':
      return `The query failed with SQLSTATE ${result.code}.`
  }
}
