import { join } from 'node:path'
import type { EngineConfig } from '../backup/engine.ts'
import type { ServerRecord } from '../db/servers.ts'
import { segmentOfPath, walBelow } from '../domain/archive-layout.ts'
import { Problem } from '../domain/problem.ts'
import { parseTransactions, type TransactionEnd, transactionsCommand } from '../postgres/waldump.ts'
import { engineServer, type WorkDeps } from './server-work.ts'

/** An archive, read from beside some server that has its configuration. */
export interface ReadableArchive {
  deps: WorkDeps
  server: ServerRecord
  which: EngineConfig
  archiveServerId: string
}

/**
 * Every WAL segment in the archive, sorted.
 * @throws Error, also when the store does not answer: it may the next time
 */
export async function listArchive({ deps, server, archiveServerId }: ReadableArchive): Promise<string[]> {
  const archive = { tenantId: server.tenantId, serverId: archiveServerId }
  const segments = new Set<string>()
  try {
    for await (const { path } of deps.archives.files(archive, { below: walBelow(archiveServerId) })) {
      const segment = segmentOfPath(path)
      if (segment !== null) segments.add(segment)
    }
  } catch (cause) {
    throw new Error('the archive cannot be listed', { cause })
  }
  return [...segments].sort()
}

/** Segments without a single commit that are looked through for one, before giving up: an idle hour and more. */
const LOOK_BACK_SEGMENTS = 128

/** The last commit in these segments; null when there is none within reach. */
export async function lastArchivedCommit(
  archive: ReadableArchive,
  segments: readonly string[],
): Promise<TransactionEnd | null> {
  for (const segment of segments.slice(-LOOK_BACK_SEGMENTS).reverse()) {
    const last = (await decodeSegment(archive, segment)).findLast(
      ({ kind }) => kind === 'commit' || kind === 'commit_prepared',
    )
    if (last !== undefined) return last
  }
  return null
}

/** The ends of all transactions in one archived segment, in the order of WAL. */
export async function decodeSegment(archive: ReadableArchive, segment: string): Promise<TransactionEnd[]> {
  const { deps, server, which, archiveServerId } = archive
  const { serverId } = server
  const self = engineServer(deps, server)
  const file = join(self.paths.spoolDirectory, segment)
  const fetched = await deps.driver.run(
    serverId,
    deps.engine.fetchSegment(self, which, archiveServerId, segment, file),
  )
  if (fetched.exitCode !== 0 && deps.engine.isUnreadable(fetched)) throw new Problem('archive-unreadable')
  if (fetched.exitCode !== 0)
    throw new Error(`segment ${segment} cannot be fetched: ${fetched.stdout}${fetched.stderr}`)
  try {
    const dump = await deps.driver.run(
      serverId,
      transactionsCommand(deps.driver.program(server.postgresVersion, 'pg_waldump'), file),
    )
    return parseTransactions(dump.stdout)
  } finally {
    await deps.driver.run(serverId, { argv: ['rm', '-f', file] })
  }
}
