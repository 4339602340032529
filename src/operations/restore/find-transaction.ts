import { join } from 'node:path'
import { Problem } from '../../domain/problem.ts'
import { parseSegment, segmentName, segmentOfLsn } from '../../domain/wal-segment.ts'
import { beginSearch, searchOn, type XidEvidence, xidEvidence } from '../../domain/xid-search.ts'
import { parseSnapshots, parseTransactions, snapshotsCommand } from '../../postgres/waldump.ts'
import { listArchive, type ReadableArchive } from '../archive-tail.ts'
import { findCompleteBackups } from '../backup-progress.ts'
import { engineServer } from '../server-work.ts'
import type { RestoreContext } from './memo.ts'

const PROGRESS_GRACE_SECONDS = 1800
/** As for `fetchSegment` of the engine. */
const NOT_ARCHIVED = 1

/**
 * Reads one more segment in search of the end of a transaction. Returns where its record begins; null while
 * the search goes on, which the memo has.
 * @throws Problem `target-not-found` when no archived segment since the oldest backup has it
 */
export async function findTransaction(
  context: RestoreContext,
  archive: ReadableArchive,
  xid: number,
): Promise<string | null> {
  const { deps, memo, remember } = context
  const [oldest] = await findCompleteBackups(deps.db, archive.archiveServerId)
  if (oldest === undefined) throw new Problem('target-before-window')
  const { timeline } = oldest
  const search = memo.search ?? (await wholeArchive(archive, oldest))
  const name = (number: number) => segmentName({ timeline, number })
  const next = search.way !== 'bisect' && search.at < search.last ? name(search.at + 1) : null
  const evidence = await readEvidence(archive, xid, name(search.at), next)
  if (evidence.endLsn !== null) return evidence.endLsn
  const further = searchOn(search, evidence)
  if (further === null)
    throw new Problem('target-not-found', { detail: `No transaction ${xid} ends in the archived WAL.` })
  remember({ search: further })
  context.extendDeadline(PROGRESS_GRACE_SECONDS)
  return null
}

/** What lies before the oldest backup cannot be restored to. */
async function wholeArchive(archive: ReadableArchive, oldest: { startLsn: string; timeline: number }) {
  const first = segmentOfLsn(oldest.startLsn, oldest.timeline)
  const last = (await listArchive(archive)).filter((segment) => isOf(segment, oldest.timeline)).at(-1)
  if (last === undefined || last < first) throw new Problem('wal-missing')
  return beginSearch(parseSegment(first).number, parseSegment(last).number)
}

const isOf = (segment: string, timeline: number) => parseSegment(segment).timeline === timeline

/** @param next also read, as the record may run over the end of the segment; null to leave that out */
async function readEvidence(
  archive: ReadableArchive,
  xid: number,
  segment: string,
  next: string | null,
): Promise<XidEvidence> {
  const { driver } = archive.deps
  const { serverId, postgresVersion } = archive.server
  const wanted = [segment, ...(next === null ? [] : [next])]
  const { spoolDirectory } = driver.paths(serverId)
  try {
    const files: string[] = []
    for (const name of wanted)
      if (await fetchSegment(archive, name, join(spoolDirectory, name)))
        files.push(join(spoolDirectory, name))
    const [first, last] = [files[0], files.at(-1)]
    // A hole tells nothing here; it counts once it is known what is to be replayed.
    if (first === undefined || last === undefined || !first.endsWith(segment)) return xidEvidence(xid, [], [])
    const program = driver.program(postgresVersion, 'pg_waldump')
    const { exitCode, stdout } = await driver.run(serverId, snapshotsCommand(program, first, last))
    if (exitCode === null) throw new Error(`segment ${segment} cannot be read to its end`)
    return xidEvidence(xid, parseTransactions(stdout), parseSnapshots(stdout))
  } finally {
    const files = wanted.map((name) => join(spoolDirectory, name))
    await driver.run(serverId, { argv: ['rm', '-f', ...files] })
  }
}

/** False when the archive does not have it. */
async function fetchSegment(
  { deps, server, which, archiveServerId }: ReadableArchive,
  segment: string,
  toFile: string,
): Promise<boolean> {
  const command = deps.engine.fetchSegment(
    engineServer(deps, server),
    which,
    archiveServerId,
    segment,
    toFile,
  )
  const { exitCode, stdout, stderr } = await deps.driver.run(server.serverId, command)
  if (exitCode === 0 || exitCode === NOT_ARCHIVED) return exitCode === 0
  throw new Error(`segment ${segment} cannot be fetched: ${stdout}${stderr}`)
}
