import type { DamagedBackup, VerifyReport } from '../../backup/engine.ts'
import type { ServerRecord } from '../../db/servers.ts'
import type { DrillCheck } from '../../domain/drill.ts'
import type { Moment } from '../../domain/moment.ts'
import { Problem } from '../../domain/problem.ts'
import { withAdmin } from '../../postgres/connect.ts'
import { lastCommitOf } from '../../postgres/last-commit.ts'
import { findCompleteBackups } from '../backup-progress.ts'
import { labelsInUse, recordDamages } from '../damaged-backups.ts'
import { openSource } from '../restore/fetch.ts'
import { adminConnection, engineServer, ensurePort, type WorkDeps } from '../server-work.ts'
import { finish, go, wait } from '../workflow.ts'
import { type DrillContext, loadDrill } from './memo.ts'
import { beginDrill, saveChecks } from './progress.ts'

const VERIFY = 'verify'
const ATTEMPTS_MAX = 3
const POLL_SECONDS = 5
const RETRY_SECONDS = 10
const LABELS_SHOWN_MAX = 10

/** Gives the child what it needs to read the archive of its source. */
export async function reserve(context: DrillContext) {
  const { deps, memo, inCommit } = context
  await ensurePort(deps, (await loadDrill(context)).child)
  // Read again: it has a port now.
  const { child, source } = await loadDrill(context)
  await openSource(deps, child, source)
  inCommit((tx) => beginDrill(tx, memo.drillId))
  return go('start-verify')
}

export async function startVerify(context: DrillContext) {
  const { deps, serverId, remember } = context
  const { child, source } = await loadDrill(context)
  // The keys of the store may have changed since an earlier attempt.
  await openSource(deps, child, source)
  await deps.driver.startTask(
    serverId,
    VERIFY,
    deps.engine.verifyTask(engineServer(deps, child), source.serverId),
  )
  remember({ startedAt: Date.now() })
  return go('await-verify')
}

export async function awaitVerify(context: DrillContext) {
  const { deps, serverId } = context
  const task = await deps.driver.checkTask(serverId, VERIFY)
  switch (task.state) {
    case 'running':
      return wait(POLL_SECONDS, () => deps.driver.taskEnded(serverId, VERIFY))
    case 'not-started':
      return go('start-verify')
    case 'failed':
      return again(context, 'archive-unreachable', task.stdoutTail + task.stderrTail)
    case 'succeeded': {
      const report = deps.engine.parseVerify(task)
      if (!report.isReadable) return again(context, 'archive-unreadable', task.stdoutTail)
      return report.isComplete
        ? record(context, report)
        : again(context, 'archive-unreachable', task.stdoutTail)
    }
  }
}

/** What cannot be read now may be read later; what still cannot then is not called damaged. */
async function again(
  context: DrillContext,
  code: 'archive-unreachable' | 'archive-unreadable',
  cause: string,
) {
  const { deps, serverId, memo, remember } = context
  if (memo.attempts + 1 >= ATTEMPTS_MAX) {
    // Why everything fails alike is for the store to say.
    await deps.archives.check()
    throw new Problem(code, { cause })
  }
  remember({ attempts: memo.attempts + 1 })
  await deps.driver.clearTask(serverId, VERIFY)
  return wait(RETRY_SECONDS)
}

/** Damaged backups are not used from here on; the drill goes on, to show whether an older one still restores. */
async function record(context: DrillContext, report: VerifyReport) {
  const { deps, tenantId, memo, remember, inCommit } = context
  const { child, source } = await loadDrill(context)
  const labels = await labelsInUse(deps.db, tenantId, source.serverId)
  const listed = new Set(await listedLabels(deps, child, source))
  const missing = labels.filter((label) => !listed.has(label))
  // One that is in the making, known to be damaged or no longer wanted is nothing that a restore would use.
  const damaged = report.damaged.filter(({ label }) => labels.includes(label) && listed.has(label))
  const unusable = [...damaged.map(({ label }) => label), ...missing]
  const check: DrillCheck = {
    name: 'archive',
    passed: unusable.length === 0 && report.damagedSegments.length === 0,
    seconds: (Date.now() - memo.startedAt) / 1000,
    detail: describe(damaged, missing, report.damagedSegments),
  }
  remember({ checks: [check], damagedBackups: unusable.length })
  inCommit((tx) => recordDamages(tx, source.serverId, unusable))
  inCommit((tx) => saveChecks(tx, memo.drillId, [check]))
  return go('hand-over')
}

/** The restore begins. What the source has committed until now is what it is measured by. */
export async function handOver(context: DrillContext) {
  const { deps, serverId, memo, followUp } = context
  const { source } = await loadDrill(context)
  await deps.driver.clearTask(serverId, VERIFY)
  if ((await findCompleteBackups(deps.db, source.serverId)).length === 0)
    throw new Problem('backup-damaged', { detail: memo.checks[0]?.detail ?? 'No backup is left.' })
  const { drillId, restoreId, checks, damagedBackups } = memo
  const sourceCommittedAt = await lastCommit(deps, source)
  followUp({
    kind: 'restore.run',
    memo: { restoreId, drill: { drillId, sourceCommittedAt, checks, damagedBackups } },
  })
  return finish()
}

/** Null when the source does not answer: nothing is started for the sake of a drill. */
async function lastCommit(deps: WorkDeps, source: ServerRecord): Promise<Moment | null> {
  if (source.port === null || (await deps.driver.postgresState(source.serverId)) !== 'running') return null
  return withAdmin(adminConnection(deps, source), lastCommitOf).catch(() => null)
}

async function listedLabels(deps: WorkDeps, child: ServerRecord, source: ServerRecord): Promise<string[]> {
  const command = deps.engine.listBackups(engineServer(deps, child), 'source', source.serverId)
  const listed = await deps.driver.run(child.serverId, command)
  if (listed.exitCode !== 0) throw new Error(`the archive cannot be listed: ${listed.stdout}${listed.stderr}`)
  return deps.engine.parseBackups(listed.stdout).map(({ label }) => label)
}

function describe(
  damaged: readonly DamagedBackup[],
  missing: readonly string[],
  segments: readonly string[],
): string {
  const found = [
    ...damaged.map(
      ({ label, files }) => `backup ${label}, ${files === null ? 'its list of files' : `files: ${files}`}`,
    ),
    ...missing.map((label) => `backup ${label}, all of it`),
    ...segments.map((segment) => `WAL segment ${segment}`),
  ]
  if (found.length === 0) return 'Every file matches its checksum.'
  const more = found.length > LABELS_SHOWN_MAX ? `; and ${found.length - LABELS_SHOWN_MAX} more` : ''
  return `Damaged or missing: ${found.slice(0, LABELS_SHOWN_MAX).join('; ')}${more}.`
}
