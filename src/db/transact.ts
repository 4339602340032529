import type { Db, Tx } from './client.ts'
import { sqlStateOf } from './sql-state.ts'

const DEADLOCK_DETECTED = '40P01'
const ATTEMPTS = 3

/**
 * Runs the work in one transaction. Requests lock an add-on before its operation, workers may come the other way
 * round; whom PostgreSQL picks to break such a deadlock starts again.
 */
export async function transact<Result>(db: Db, work: (tx: Tx) => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await db.transaction().execute(work)
    } catch (error) {
      if (attempt === ATTEMPTS || sqlStateOf(error) !== DEADLOCK_DETECTED) throw error
    }
  }
}
