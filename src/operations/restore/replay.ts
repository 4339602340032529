import { join } from 'node:path'
import { type ServerRecord, saveSettings } from '../../db/servers.ts'
import { Problem } from '../../domain/problem.ts'
import { findGaps } from '../../domain/wal-segment.ts'
import { waitUntil } from '../../lib/wait-until.ts'
import { type ControlFile, controlDataCommand, parseControlData } from '../../postgres/control-file.ts'
import { atLeast } from '../../postgres/inherited-settings.ts'
import { type RecoveryLog, readRecoveryLog } from '../../postgres/recovery-log.ts'
import { withLastSegment } from '../../postgres/restore-command.ts'
import { recoverySettings } from '../../postgres/settings.ts'
import { listArchive } from '../archive-tail.ts'
import { saveRestore } from '../progress.ts'
import { engineServer, loadServer, startServer, type WorkDeps, writeServerConfig } from '../server-work.ts'
import { go, wait } from '../workflow.ts'
import { openSource } from './fetch.ts'
import { enterPhase, loadRestore, type RestoreContext } from './memo.ts'
import { progressOf, walTotal } from './progress.ts'

const STARTS_MAX = 4
const PROGRESS_GRACE_SECONDS = 1800
const WATCH_SECONDS = 1
/** pgBackRest itself has tried for minutes before it says so, unless it was refused. */
const STORE_POLLS_MAX = 60
const STORE_RETRY_SECONDS = 30
/** Fetching ahead pays for its own start only when there are more. */
const FEW_SEGMENTS = 8

/** Starts the child on the fetched files, locked, with nothing of the parent's configuration. */
export async function startRecovery(context: RestoreContext) {
  const { deps, serverId, memo, remember, inCommit } = context
  const { restore, child, source } = await loadRestore(context)
  const control = await readControlFile(deps, child)
  // What the parent had when the backup was made is the least that its WAL needs (pitfall 8).
  const server = { ...child, settings: atLeast(child.settings, control) }
  const self = engineServer(deps, child)
  const fetchesAhead = (walTotal(memo) ?? FEW_SEGMENTS + 1) > FEW_SEGMENTS
  const restoreCommand = deps.engine.restoreCommand(self, source.serverId, { fetchesAhead })
  const recovery = recoverySettings({
    restoreCommand: withLastSegment(restoreCommand, join(self.paths.spoolDirectory, 'last-segment')),
    target: memo.targetTime === null ? memo.walTarget : { time: memo.targetTime },
    inclusive: !restore.exclusive,
    timeline: memo.timeline,
  })
  // The keys of the store may have changed since the fetch.
  await openSource(deps, child, source)
  await writeServerConfig(deps, server, { access: 'locked', archiving: false, recovery })
  // After a crash right behind the start, recovery may be over: asked for once more, it would come with the next start.
  const isOver = control.timeline > memo.timeline
  if (!isOver && (await deps.driver.postgresState(serverId)) !== 'running')
    await prepareDataDirectory(deps, serverId)
  await startServer(deps, server)
  if (memo.phase !== 'replaying') {
    const phaseSeconds = enterPhase(context, 'replaying')
    inCommit((tx) =>
      saveRestore(tx, memo.restoreId, { phase: 'replaying', phaseSeconds, progress: progressOf(context) }),
    )
  }
  remember({ startAttempts: memo.startAttempts + 1 })
  inCommit((tx) => saveSettings(tx, serverId, server.settings))
  return go('await-recovery')
}

async function readControlFile(deps: WorkDeps, child: ServerRecord): Promise<ControlFile> {
  const { dataDirectory } = deps.driver.paths(child.serverId)
  const program = deps.driver.program(child.postgresVersion, 'pg_controldata')
  const { stdout } = await deps.driver.run(child.serverId, controlDataCommand(program, dataDirectory))
  return parseControlData(stdout)
}

/**
 * Replaces what the parent's `ALTER SYSTEM` left, which would win over our own file, and asks for archive recovery
 * (PostgreSQL manual, 26.3.4). Done as the OS user, in its own directory.
 */
async function prepareDataDirectory(deps: WorkDeps, serverId: string): Promise<void> {
  const { dataDirectory } = deps.driver.paths(serverId)
  const script =
    'cd "$1" && rm -f standby.signal postgresql.auto.conf && : >postgresql.auto.conf && : >recovery.signal'
  const { exitCode, stderr } = await deps.driver.run(serverId, {
    argv: ['sh', '-c', script, 'sh', dataDirectory],
  })
  if (exitCode !== 0) throw new Error(`the data directory cannot be prepared: ${stderr}`)
}

/** Reads the server's log until recovery has really ended: a server that answers may still be replaying (pitfall 9). */
export async function awaitRecovery(context: RestoreContext) {
  const { deps, serverId, memo, remember, inCommit } = context
  const wasRunning = (await deps.driver.postgresState(serverId)) === 'running'
  const { text, nextByte } = await deps.driver.readLog(serverId, memo.logOffset)
  const log = readRecoveryLog(text, memo.log ?? undefined)
  const advanced = log.restoredSegments > (memo.log?.restoredSegments ?? 0)
  remember({ log, logOffset: nextByte })

  if (log.ready && log.newTimeline !== null) return recovered(context, log)
  if (log.failure !== null) return failed(context, log)
  if (!wasRunning) return startAgain(context)

  if (advanced) context.extendDeadline(PROGRESS_GRACE_SECONDS)
  inCommit((tx) => saveRestore(tx, memo.restoreId, { progress: progressOf(context) }))
  return wait(WATCH_SECONDS, () => recoveryMoves(context, nextByte))
}

/** Settles when recovery has ended one way or the other, or after a while, for progress to be written. */
function recoveryMoves({ deps, serverId, signal }: RestoreContext, fromByte: number): Promise<unknown> {
  let offset = fromByte
  const ended = async () => {
    const { text, nextByte } = await deps.driver.readLog(serverId, offset)
    offset = nextByte
    return signal.aborted || /FATAL|PANIC|ready to accept connections|is shut down/.test(text)
  }
  return waitUntil(ended, { timeoutSeconds: WATCH_SECONDS, everyMilliseconds: 10 })
}

/** Recovery to the end of WAL must have seen every archived segment, or it has silently stopped at a hole (pitfall 5). */
async function recovered({ memo }: RestoreContext, log: RecoveryLog) {
  const complete = memo.endSegment === null || (log.lastRestoredSegment ?? '') >= memo.endSegment
  if (memo.endOfWal && (!complete || log.damage !== null))
    throw new Problem('wal-missing', { detail: stoppedAt(log) })
  return go('read-reached')
}

async function failed(context: RestoreContext, log: RecoveryLog) {
  const { failure } = log
  switch (failure?.kind) {
    case 'ended-early':
      return context.memo.endOfWal ? startAgain(context) : endedEarly(context, log)
    case 'settings-insufficient':
      return raiseSettings(context)
    case 'library-missing':
      throw new Problem('extension-unavailable', { detail: failure.text })
    case 'wal-missing':
    case 'wal-corrupt':
      throw new Problem('wal-missing', { detail: stoppedAt(log), cause: failure.text })
    case 'target-too-early':
      throw new Problem('target-before-window', { cause: failure.text })
    case 'checkpoint-missing':
      throw new Problem('backup-unreadable', { cause: failure.text })
    case 'archive-unreachable':
      return storeIsAway(context, log)
    case 'other':
    case undefined:
      return startAgain(context)
  }
}

/**
 * The target was not reached. If every archived segment was replayed, the WAL ends before it: for a time, the child is
 * taken to the end, and says so. Otherwise WAL is missing in the middle, and a child without it would be silently truncated.
 */
async function endedEarly(context: RestoreContext, log: RecoveryLog) {
  const { deps, memo, remember } = context
  const { child, source } = await loadRestore(context)
  const segments = await listArchive({
    deps,
    server: child,
    which: 'source',
    archiveServerId: source.serverId,
  })
  const needed = segments.filter((segment) => memo.startSegment === null || segment >= memo.startSegment)
  const end = [...needed, ...(memo.endSegment === null ? [] : [memo.endSegment])].sort().at(-1) ?? null
  const [gap] = memo.startSegment === null ? [] : findGaps(needed, memo.startSegment)
  if (gap !== undefined || log.damage !== null || end === null)
    throw new Problem('wal-missing', { detail: stoppedAt(log) })
  if ((log.lastRestoredSegment ?? '') < end) {
    // Without a hole the next segment is there, and only fetching it has failed, which may pass.
    if (end === needed.at(-1) && memo.startAttempts < STARTS_MAX) return again(context)
    throw new Problem('wal-missing', { detail: stoppedAt(log) })
  }
  if (memo.walTarget !== null) throw new Problem('target-not-found', { detail: stoppedAt(log) })
  remember({ targetTime: null, endOfWal: true, endSegment: end })
  return again(context)
}

const stoppedAt = ({ lastRestoredSegment }: RecoveryLog): string =>
  lastRestoredSegment === null
    ? 'No WAL segment after the base backup could be replayed.'
    : `The last WAL segment that could be replayed is ${lastRestoredSegment}.`

/** The parent raised a limit after the backup, and is not there to be asked (pitfall 8). */
async function raiseSettings(context: RestoreContext) {
  const { deps, serverId, memo, inCommit } = context
  if (memo.startAttempts >= STARTS_MAX) throw new Problem('recovery-failed')
  const { settings } = await loadServer(deps, context)
  const raised = Math.max(64, 4 * Number(settings['max_prepared_transactions'] ?? 0))
  inCommit((tx) => saveSettings(tx, serverId, { ...settings, max_prepared_transactions: raised }))
  return again(context)
}

/** Nothing is lost while the store is away: replay begins again, and again, for as long as a person may take to mend it. */
async function storeIsAway(context: RestoreContext, log: RecoveryLog) {
  const { deps, serverId, memo, remember } = context
  if (memo.storePolls >= STORE_POLLS_MAX)
    throw new Problem('archive-unreachable', { cause: log.failure?.text })
  await deps.driver.stopPostgres(serverId, 'immediate')
  remember({ log: null, storePolls: memo.storePolls + 1, startAttempts: memo.startAttempts - 1 })
  context.extendDeadline(PROGRESS_GRACE_SECONDS)
  // Without a running server, `await-recovery` starts it.
  return wait(STORE_RETRY_SECONDS)
}

/** The server was ended from outside, or failed in a way that may pass. */
async function startAgain(context: RestoreContext) {
  const { startAttempts, log } = context.memo
  if (startAttempts >= STARTS_MAX) throw new Problem('recovery-failed', { cause: log?.failure?.text })
  return again(context)
}

/** Replay begins again: at the base backup, or where it had got to. */
async function again({ deps, serverId, remember }: RestoreContext) {
  await deps.driver.stopPostgres(serverId, 'immediate')
  remember({ log: null })
  return go('start-recovery')
}
