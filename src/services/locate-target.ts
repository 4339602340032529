import type { AddonWithPort } from '../db/addons.ts'
import { completeBackups } from '../db/backups.ts'
import type { Executor } from '../db/client.ts'
import { findRestorePointNamed } from '../db/restore-points.ts'
import { assertAfterBackup } from '../domain/choose-backup.ts'
import { Problem } from '../domain/problem.ts'
import type { RestoreTarget } from '../domain/restore.ts'
import type { TargetPlace } from '../domain/restore-plan.ts'

/**
 * Where in WAL a target is, as far as that can be said at once. Whether the archive has an LSN or a transaction shows
 * only when the work starts.
 * @throws Problem `target-not-found`, `target-before-window`
 */
export async function locateTarget(
  ex: Executor,
  source: AddonWithPort,
  target: RestoreTarget,
): Promise<TargetPlace> {
  if ('time' in target) return { time: target.time, lsn: null, isEnd: false }
  if ('latest' in target || 'xid' in target) return { time: null, lsn: null, isEnd: 'latest' in target }
  const lsn = 'lsn' in target ? target.lsn : await lsnOfPoint(ex, source, target.name)
  const backups = await completeBackups(ex, source.tenant_id, source.server_id)
  assertAfterBackup(
    lsn,
    backups.flatMap(({ stop_lsn: stopLsn }) => stopLsn ?? []),
  )
  return { time: null, lsn, isEnd: false }
}

async function lsnOfPoint(ex: Executor, source: AddonWithPort, name: string): Promise<string> {
  const server = { tenantId: source.tenant_id, serverId: source.server_id }
  const point = await findRestorePointNamed(ex, server, name)
  if (point === undefined)
    throw new Problem('target-not-found', { detail: 'There is no such restore point.' })
  if (point.status === 'failed')
    throw new Problem('target-not-found', { detail: 'The restore point could not be made.' })
  if (point.lsn === null)
    throw new Problem('target-not-found', { detail: 'The restore point is not archived yet.' })
  return point.lsn
}
