import { sql } from 'kysely'
import type { Db, Tx } from '../db/client.ts'
import { recordEvent } from '../notify/outbox.ts'

/** Labels of the backups of a server that ought to be in its archive, oldest first. */
export async function labelsInUse(db: Db, tenantId: string, serverId: string): Promise<string[]> {
  const rows = await db
    .selectFrom('backup')
    .select('label')
    .where('tenant_id', '=', tenantId)
    .where('server_id', '=', serverId)
    .where('status', '=', 'succeeded')
    .where('damaged_at', 'is', null)
    .where('expired_at', 'is', null)
    .orderBy('label')
    .execute()
  return rows.flatMap(({ label }) => label ?? [])
}

/** Backups that do not come back whole, and those that need their files, are never restored from again. */
export async function recordDamages(tx: Tx, serverId: string, labels: readonly string[]): Promise<void> {
  if (labels.length === 0) return
  const { rows } = await sql<{ id: string; label: string; tenantId: string; addonId: string }>`
    update backup set damaged_at = clock_timestamp()
     where server_id = ${serverId} and damaged_at is null and expired_at is null
       and (label = any(${labels}) or split_part(label, '_', 1) = any(${labels}) or reference_labels ?| ${labels})
    returning id, label, tenant_id as "tenantId", addon_id as "addonId"`.execute(tx)
  for (const { id: backupId, label, tenantId, addonId } of rows)
    await recordEvent(tx, { tenantId, type: 'backup.damaged', payload: { backupId, addonId, label } })
  // Another backup may be due for want of this one.
  if (rows.length > 0)
    await sql`update archive set schedule_stale = true where server_id = ${serverId}`.execute(tx)
}
