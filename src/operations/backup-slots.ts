import { sql } from 'kysely'
import type { Db } from '../db/client.ts'
import { recordEvent } from '../notify/outbox.ts'

const SLOTS_LOCK = 8_736_704

/**
 * Lets a queued backup run while fewer than `backupsMax` do. Taking the slot again, after a crash, takes no other; it is
 * given back by the backup's end. The lock keeps two from taking the last one.
 * @returns whether the backup has a slot
 */
export async function takeSlot(db: Db, backupId: string, backupsMax: number): Promise<boolean> {
  return db.transaction().execute(async (tx) => {
    await sql`select pg_advisory_xact_lock(${SLOTS_LOCK})`.execute(tx)
    const { rows } = await sql<{ status: string; tenantId: string; addonId: string; isNew: boolean }>`
      with taken as (
        update backup set status = 'running'
         where id = ${backupId} and status = 'queued'
           and (select count(*) from backup as other where other.status = 'running') < ${backupsMax}
        returning id
      )
      select coalesce((select 'running' from taken), status) as status, tenant_id as "tenantId", addon_id as "addonId",
             exists (select from taken) as "isNew"
        from backup where id = ${backupId}`.execute(tx)
    const [backup] = rows
    if (backup?.isNew === true) {
      const payload = { backupId, addonId: backup.addonId }
      await recordEvent(tx, { tenantId: backup.tenantId, type: 'backup.running', payload })
    }
    return backup?.status === 'running'
  })
}
