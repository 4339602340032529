import { z } from 'zod'
import type { DrillCheck } from '../../domain/drill.ts'
import type { Moment } from '../../domain/moment.ts'
import type { RestorePhase } from '../../domain/restore.ts'
import type { XidSearch } from '../../domain/xid-search.ts'
import type { RecoveryLog } from '../../postgres/recovery-log.ts'
import type { RecoveryTarget } from '../../postgres/settings.ts'
import { getRestore } from '../progress.ts'
import { loadServer, type WorkDeps } from '../server-work.ts'
import type { StepContext } from '../workflow.ts'

/** What a drill has its restore hand on. */
export interface RestoreOfDrill {
  drillId: string
  /** Commit time of the source's last transaction when the restore began; null when it did not say. */
  sourceCommittedAt: Moment | null
  checks: DrillCheck[]
  damagedBackups: number
}

/** What the steps of a restore learn from one another. Holds no secrets. */
export const restoreMemo = z.object({
  restoreId: z.string(),
  /** The drill that the restore is a part of: the source counts as lost, and nobody gets the child. */
  drill: z.custom<RestoreOfDrill>().nullable().default(null),
  /** The moment to recover to; null until it is known, and for a recovery to the end of WAL. */
  targetTime: z.custom<Moment>().nullable().default(null),
  /** The place in WAL to recover to, for a target that is one; null until it is known to be in the archive. */
  walTarget: z.custom<RecoveryTarget>().nullable().default(null),
  /** Where that place is, so that a base backup can be chosen. */
  targetLsn: z.string().nullable().default(null),
  /** How far the search for a transaction is; null before it has begun. */
  search: z.custom<XidSearch>().nullable().default(null),
  /** Labels of the backups that turned out to be damaged. */
  damaged: z.array(z.string()).default([]),
  /** Recover everything that is archived: the source is gone and nothing later than the target can be shown. */
  endOfWal: z.boolean().default(false),
  label: z.string().default(''),
  timeline: z.int().default(1),
  startSegment: z.string().nullable().default(null),
  /** The last segment that recovery needs; null when that cannot be told beforehand. */
  endSegment: z.string().nullable().default(null),
  sourcePolls: z.int().default(0),
  archivedPolls: z.int().default(0),
  fetchAttempts: z.int().default(0),
  startAttempts: z.int().default(0),
  storePolls: z.int().default(0),
  bytesDone: z.int().default(0),
  bytesTotal: z.int().nullable().default(null),
  logOffset: z.int().default(0),
  /** What the child's log has told since its last start; null before that. */
  log: z.custom<RecoveryLog>().nullable().default(null),
  phase: z.enum(['anchoring', 'fetching', 'replaying', 'securing', 'done']).default('anchoring'),
  /** Milliseconds since the epoch at which the present phase, and the whole restore, began. */
  phaseStartedAt: z.number().default(0),
  startedAt: z.number().default(0),
  phaseSeconds: z.record(z.string(), z.number()).default({}),
})

export type RestoreMemo = z.infer<typeof restoreMemo>
export type RestoreContext = StepContext<RestoreMemo, WorkDeps>

/** Closes the phase the restore is in, if it is another one, and begins the next. Returns the seconds of all so far. */
export function enterPhase(
  { memo, remember }: RestoreContext,
  phase: RestorePhase,
  now = Date.now(),
): Record<string, number> {
  const seconds = { ...memo.phaseSeconds }
  if (memo.phaseStartedAt > 0) {
    seconds[memo.phase] = (seconds[memo.phase] ?? 0) + (now - memo.phaseStartedAt) / 1000
    seconds['total'] = (now - memo.startedAt) / 1000
  } else remember({ startedAt: now })
  remember({ phase, phaseStartedAt: now, phaseSeconds: seconds })
  return seconds
}

/** The restore's row, the child being made, and the server whose archive is read. */
export async function loadRestore({ deps, tenantId, serverId, memo }: RestoreContext) {
  const restore = await getRestore(deps.db, memo.restoreId)
  const [child, source] = await Promise.all([
    loadServer(deps, { tenantId, serverId }),
    loadServer(deps, { tenantId, serverId: restore.source_server_id }),
  ])
  return { restore, child, source }
}
