import { sql } from 'kysely'
import type { Executor, Tx } from '../db/client.ts'
import type { Moment } from '../domain/moment.ts'
import type { Failure } from '../domain/problem.ts'
import { recordEvent } from '../notify/outbox.ts'

/** A restore point as WAL has it. */
export interface PointInWal {
  walName: string
  /** The end of its record. */
  lsn: string
  timeline: number
  madeAt: Moment
}

/** The archived restore point of that name; null when there is none. */
export async function getRestorePoint(
  db: Executor,
  serverId: string,
  name: string,
): Promise<Pick<PointInWal, 'walName' | 'lsn'> | null> {
  const row = await db
    .selectFrom('restore_point')
    .select(['wal_name as walName', 'lsn'])
    .where('server_id', '=', serverId)
    .where('name', '=', name)
    .where('status', '=', 'archived')
    .executeTakeFirst()
  return row?.walName == null || row.lsn === null ? null : { walName: row.walName, lsn: row.lsn }
}

export async function recordRestorePoint(tx: Tx, id: string, point: PointInWal): Promise<void> {
  const row = await tx
    .updateTable('restore_point')
    .set({
      status: 'archived',
      wal_name: point.walName,
      lsn: point.lsn,
      timeline: point.timeline,
      made_at: point.madeAt,
      finished_at: sql`clock_timestamp()`,
    })
    .where('id', '=', id)
    .returning(['tenant_id', 'addon_id'])
    .executeTakeFirstOrThrow()
  const payload = { restorePointId: id, addonId: row.addon_id, lsn: point.lsn }
  await recordEvent(tx, { tenantId: row.tenant_id, type: 'restore-point.archived', payload })
}

/** Its name stays taken: two points of one name would be told apart by nobody. */
export async function failRestorePoint(tx: Tx, id: string, failure: Failure): Promise<void> {
  const row = await tx
    .updateTable('restore_point')
    .set({ status: 'failed', failure: JSON.stringify(failure), finished_at: sql`clock_timestamp()` })
    .where('id', '=', id)
    .returning(['tenant_id', 'addon_id'])
    .executeTakeFirstOrThrow()
  const payload = { restorePointId: id, addonId: row.addon_id, failure }
  await recordEvent(tx, { tenantId: row.tenant_id, type: 'restore-point.failed', payload })
}
