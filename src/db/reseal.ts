import { sql } from 'kysely'
import type { Db } from './client.ts'
import { noteMasterKey } from './master-key.ts'
import { findSealedByOthers, replaceSealed, type SealedColumn } from './sealed-columns.ts'

export interface Resealing {
  /** Of the key that everything is to be sealed by. */
  keyId: string
  /** Opens a value and seals it again. @throws when no key of the ring opens it */
  reseal(sealed: string, context: string): string
}

const BATCH = 200
/** Held while secrets are sealed again: two at once, to different keys, would undo each other for ever. */
const RESEAL_LOCK = 8_736_720

/**
 * Has every sealed value sealed by one key, and then notes that it is. Others may read and write beside it: a value that
 * changes meanwhile keeps the change, and is looked at again. Waits for another call that is at it. Repeatable; what is
 * sealed by that key is left as it is.
 * @returns how many values were sealed again
 */
export async function resealAll(
  db: Db,
  columns: readonly SealedColumn[],
  resealing: Resealing,
  batch = BATCH,
): Promise<number> {
  return db.connection().execute(async (session) => {
    await sql`select pg_advisory_lock(${RESEAL_LOCK})`.execute(session)
    try {
      return await resealEach(session, columns, resealing, batch)
    } finally {
      await sql`select pg_advisory_unlock(${RESEAL_LOCK})`.execute(session)
    }
  })
}

async function resealEach(
  db: Db,
  columns: readonly SealedColumn[],
  resealing: Resealing,
  batch: number,
): Promise<number> {
  let total = 0
  for (;;) {
    let found = 0
    for (const column of columns) {
      const { seen, replaced } = await resealColumn(db, column, resealing, batch)
      found += seen
      total += replaced
    }
    if (found > 0) continue
    await noteMasterKey(db, resealing.keyId)
    return total
  }
}

async function resealColumn(
  db: Db,
  column: SealedColumn,
  { keyId, reseal }: Resealing,
  limit: number,
): Promise<{ seen: number; replaced: number }> {
  const count = { seen: 0, replaced: 0 }
  for (let after = ''; ; ) {
    const values = await findSealedByOthers(db, column, keyId, { after, limit })
    for (const value of values) {
      count.seen += 1
      const next = resealed(column, value.id, () => reseal(value.sealed, column.contextOf(value.id)))
      if (await replaceSealed(db, column, value, next)) count.replaced += 1
    }
    const last = values.at(-1)
    if (last === undefined) return count
    after = last.id
  }
}

/** A value that does not open is named: by where it is, and by nothing of what it is. */
function resealed({ table, column }: SealedColumn, id: string, work: () => string): string {
  try {
    return work()
  } catch (cause) {
    throw new Error(`${table}.${column} of ${id} does not open under any key of the ring`, { cause })
  }
}
