import { sql } from 'kysely'
import type { Db } from './client.ts'

const PLACING_LOCK = 8_736_713
/** Told to whoever listens when there are events to be read. */
export const EVENTS_CHANNEL = 'undrop_events'

/**
 * Gives committed events their positions, in the order in which they were written. Ids do not do to read by: a
 * transaction that was given a lower one may commit later. Events of one resource keep their order, because whoever
 * changes it holds its row until commit. One worker at a time places events.
 * @returns how many; fewer than `limit` when there are no more
 */
export function placeEvents(db: Db, limit = 1000): Promise<number> {
  return db.transaction().execute(async (tx) => {
    await sql`select pg_advisory_xact_lock(${PLACING_LOCK})`.execute(tx)
    const { numAffectedRows = 0n } = await sql`
      update outbox_event set position = placed.position
        from (select id, nextval('event_position') as position
                from (select id from outbox_event where position is null order by id limit ${limit}) as next) as placed
       where outbox_event.id = placed.id`.execute(tx)
    if (numAffectedRows > 0n) await sql`select pg_notify(${EVENTS_CHANNEL}, '')`.execute(tx)
    return Number(numAffectedRows)
  })
}
