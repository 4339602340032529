import { sql } from 'kysely'
import type { Db, Tx } from '../db/client.ts'
import { recordEvent } from '../notify/outbox.ts'

const SLOTS_LOCK = 8_736_704

const POLL_SECONDS = 3
const POLL_SECONDS_MAX = 30
/** A backup that nobody has come to for this long keeps no place in the line. */
const FORGOTTEN_SECONDS = 60

export interface Slot {
  isTaken: boolean
  /** Whether it is among those that the next slots are for. */
  isNext: boolean
}

/**
 * Lets a queued backup run while fewer than `backupsMax` do, those first that have waited longest: a tenant that begins
 * one backup after another keeps nobody else's waiting. Taking the slot again, after a crash, takes no other; it is
 * given back by the backup's end. The lock keeps two from taking the last one.
 */
export async function takeSlot(db: Db, backupId: string, backupsMax: number): Promise<Slot> {
  return db.transaction().execute(async (tx) => {
    await sql`select pg_advisory_xact_lock(${SLOTS_LOCK})`.execute(tx)
    const ahead = await countAhead(tx, backupId)
    const { rows } = await sql<{ status: string; tenantId: string; addonId: string; isNew: boolean }>`
      with taken as (
        update backup set status = 'running'
         where id = ${backupId} and status = 'queued'
           and (select count(*) from backup as other where other.status = 'running') + ${ahead}::int < ${backupsMax}
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
    return { isTaken: backup?.status === 'running', isNext: ahead < backupsMax }
  })
}

/**
 * Seconds until a backup asks for a slot again: the longer it has waited the more, as many may wait; few for those
 * whose turn is next, so that no slot lies idle.
 */
export function slotPollSeconds(polls: number, isNext: boolean): number {
  return isNext ? POLL_SECONDS : Math.min(POLL_SECONDS * 1.5 ** polls, POLL_SECONDS_MAX)
}

/** How many backups have waited for a slot for longer, and still do. */
async function countAhead(tx: Tx, backupId: string): Promise<number> {
  const { rows } = await sql<{ ahead: number }>`
    select count(*) as ahead
      from operation as own
      join operation as other on (other.started_at, other.id) < (own.started_at, own.id)
      join backup on backup.id = other.memo ->> 'backupId' and backup.status = 'queued'
     where own.kind = 'backup.take' and own.finished_at is null and own.memo ->> 'backupId' = ${backupId}
       and other.kind = 'backup.take' and other.finished_at is null
       and other.failure is null and not other.cancel_requested
       and other.run_at > now() - make_interval(secs => ${FORGOTTEN_SECONDS})`.execute(tx)
  return rows[0]?.ahead ?? 0
}
