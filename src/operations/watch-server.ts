import { isDeepStrictEqual } from 'node:util'
import { getServer, type ServerRecord } from '../db/servers.ts'
import { transact } from '../db/transact.ts'
import type { RunningServer } from '../db/unscoped.ts'
import { readWatched } from '../db/watched.ts'
import { stallsOfArchive } from '../domain/archive-stalls.ts'
import { effectivePolicy } from '../domain/backup-policy.ts'
import { type Moment, momentOfMicros } from '../domain/moment.ts'
import { archiverRests, lostServer, type ServerObservation, stallsOfServer } from '../domain/server-stalls.ts'
import { type StallReport, stallsAfter, worstStall } from '../domain/stalls.ts'
import { archiverState, serverClock } from '../postgres/anchor.ts'
import { withAdmin } from '../postgres/connect.ts'
import { walWaiting } from '../postgres/wal-waiting.ts'
import { noteArchived, reportStalls } from './archive-progress.ts'
import { lastArchivedCommit } from './archive-tail.ts'
import { adminConnection, type WorkDeps } from './server-work.ts'

/** A server that says nothing is not waited for. */
const QUERY_SECONDS_MAX = 10

/**
 * Looks after one server's archive: notes up to where it reaches, the last commit that is safe there, and what stalls
 * it.
 * @param refusal of the object store or repository; null while it can be used
 */
export async function watchServer(deps: WorkDeps, running: RunningServer, refusal: unknown): Promise<void> {
  const server = await getServer(deps.db, running.tenantId, running.id)
  const now = momentOfMicros(BigInt(Date.now()) * 1000n)
  await report(deps, server, await archiveReport(deps, server, refusal, now), now)

  const state = await deps.driver.postgresState(server.serverId)
  if (state === 'no-data') return report(deps, server, lostServer(), now)
  if (state === 'stopped') return
  const seen = await observe(deps, server)
  await report(deps, server, stallsOfServer(seen), now)
  // PostgreSQL would let a failed archiver rest for up to a minute; a reload wakes it.
  if (refusal === null && archiverRests(seen.archiver)) await deps.driver.reloadPostgres(server.serverId)
  await noteProgress(deps, server, seen, running.lastArchivedSegment, refusal)
}

async function archiveReport(
  { db, platformPolicy }: WorkDeps,
  { serverId }: ServerRecord,
  refusal: unknown,
  now: Moment,
): Promise<StallReport> {
  const { tenantPolicy, addonPolicy, ...rows } = await readWatched(db, serverId)
  const policy = effectivePolicy(platformPolicy, tenantPolicy, addonPolicy)
  return stallsOfArchive({ ...rows, policy }, refusal, now)
}

async function observe(deps: WorkDeps, server: ServerRecord): Promise<ServerObservation> {
  const disk = await deps.driver.diskSpace(server.serverId)
  return withAdmin(
    adminConnection(deps, server),
    async (client) => ({
      disk,
      archiver: await archiverState(client),
      waiting: await walWaiting(client),
      now: await serverClock(client),
    }),
    { queryTimeoutSeconds: QUERY_SECONDS_MAX },
  )
}

/**
 * When the archiver has moved on, the new segment is looked through for its last commit.
 * @param refusal of the store, from which no segment can be fetched then
 */
async function noteProgress(
  deps: WorkDeps,
  server: ServerRecord,
  { archiver, waiting }: ServerObservation,
  lastSeen: string | null,
  refusal: unknown,
): Promise<void> {
  const { serverId } = server
  const { lastArchivedSegment: segment, lastArchivedAt } = archiver
  const progress = { archivedAt: lastArchivedAt, lagSeconds: waiting.oldestSeconds }
  await noteArchived(deps.db, serverId, { ...progress, segment: null, lastCommit: null })
  if (refusal !== null || segment === null || segment === lastSeen) return
  // It is noted with its last commit or not at all, so that a later pass looks again.
  const archive = { deps, server, which: 'own', archiveServerId: serverId } as const
  const lastCommit = await lastArchivedCommit(archive, [segment])
  await noteArchived(deps.db, serverId, { ...progress, segment, lastCommit })
}

/** Most passes have nothing new to say, and write nothing. */
async function report(deps: WorkDeps, server: ServerRecord, found: StallReport, now: Moment): Promise<void> {
  const { stalls, shown, protection } = await readWatched(deps.db, server.serverId)
  const after = stallsAfter(stalls, found, now)
  const isShown = protection === 'pending' || isDeepStrictEqual(worstStall(after), shown)
  if (isShown && isDeepStrictEqual(after, stalls)) return
  await transact(deps.db, (tx) => reportStalls(tx, server, found, now))
}
