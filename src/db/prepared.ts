import type { PostgresPool, PostgresPoolClient } from 'kysely'
import type pg from 'pg'
import { sqlStateOf } from './sql-state.ts'

/** Of one process; what comes after them is planned each time. The API has fewer texts by far. */
const STATEMENTS_MAX = 500
/** `select *` has other columns than when it was prepared: a migration has come in between. */
const PLAN_OUTLIVED = '0A000'

/**
 * Statements that are prepared once in each session, and not planned each time. Their
 * names belong to texts, so that a session never has two texts of one name.
 */
const names = new Map<string, string>()
let generation = 0

function nameOf(text: string): string | undefined {
  const known = names.get(text)
  if (known !== undefined || names.size >= STATEMENTS_MAX || !GAINS.test(text)) return known
  const name = `undrop_${generation}_${names.size}`
  names.set(text, name)
  return name
}

/** Sessions prepare everything anew, by other names. */
function forgetAll(): void {
  generation++
  names.clear()
}

const views = new WeakMap<pg.PoolClient, PostgresPoolClient>()

/** Kysely's view of a session whose statements are prepared; each session has one. */
function preparing(client: pg.PoolClient): PostgresPoolClient {
  const view = views.get(client) ?? preparingView(client)
  views.set(client, view)
  return view
}

/** `begin` and the like have nothing to gain by being prepared. */
const GAINS = /^\s*(select|with|insert|update|delete)\b/i

function preparingView(client: pg.PoolClient): PostgresPoolClient {
  const query = async (text: string, values: readonly unknown[] = []) => {
    const name = nameOf(text)
    const given = [...values]
    if (name === undefined) return client.query(text, given)
    try {
      return await client.query({ name, text, values: given })
    } catch (error) {
      if (sqlStateOf(error) === PLAN_OUTLIVED) forgetAll()
      throw error
    }
  }
  return { query: query as never, release: () => client.release() }
}

/** A pool of such sessions, for Kysely; the pool itself stays with whoever opened it. */
export function preparingPool(pool: pg.Pool, enter: (client: pg.PoolClient) => Promise<void>): PostgresPool {
  const connect = async () => {
    const client = await pool.connect()
    try {
      await enter(client)
      return preparing(client)
    } catch (error) {
      client.release(true)
      throw error
    }
  }
  return { connect, end: async () => {} }
}
