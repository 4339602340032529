import pg from 'pg'

const { escapeIdentifier, escapeLiteral } = pg

/** Runs something as our admin in a database: `withAdmin` bound to a server. */
export type OpenAdmin = <Result>(
  database: string,
  use: (client: pg.Client) => Promise<Result>,
) => Promise<Result>

/**
 * Rolls back the transactions that were prepared and undecided at the point a server was restored to: they hold locks
 * for ever. Each can only be ended from its own database. Returns how many there were.
 */
export async function rollbackPreparedTransactions(openAdmin: OpenAdmin): Promise<number> {
  const prepared = await openAdmin('postgres', (client) =>
    client.query<{ gid: string; database: string }>('SELECT gid, database FROM pg_prepared_xacts'),
  )
  for (const [database, transactions] of Map.groupBy(prepared.rows, (row) => row.database)) {
    await openAdmin(database, async (client) => {
      for (const { gid } of transactions) await client.query(`ROLLBACK PREPARED ${escapeLiteral(gid)}`)
    })
  }
  return prepared.rows.length
}

/**
 * Disables every subscription and cuts it from its slot, which is the parent's: a restored server that used or dropped
 * it would take the parent's changes (pitfall 11). Returns how many there were. May be repeated.
 */
export async function disableSubscriptions(openAdmin: OpenAdmin): Promise<number> {
  const subscriptions = await openAdmin('postgres', (client) =>
    client.query<{ name: string; database: string }>(
      `SELECT subname AS name, datname AS database
       FROM pg_subscription JOIN pg_database ON pg_database.oid = subdbid`,
    ),
  )
  for (const [database, found] of Map.groupBy(subscriptions.rows, (row) => row.database)) {
    await openAdmin(database, async (client) => {
      for (const { name } of found) {
        await client.query(`ALTER SUBSCRIPTION ${escapeIdentifier(name)} DISABLE`)
        await client.query(`ALTER SUBSCRIPTION ${escapeIdentifier(name)} SET (slot_name = NONE)`)
      }
    })
  }
  return subscriptions.rows.length
}
