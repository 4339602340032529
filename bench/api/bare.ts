import Fastify from 'fastify'
import pg from 'pg'

// What somebody would write who needs these two routes and nothing else: Fastify, pg, and the rows as they come, under
// the same row-level security. No keys, limits, logs or views.

const { PORT, DATABASE_URL, BENCH_TENANT = '', BENCH_FORM } = process.env
const POOL_SIZE = 10

const pool = new pg.Pool({
  connectionString: DATABASE_URL,
  max: POOL_SIZE,
  options: '-c role=undrop_api -c search_path=undrop',
})

const COLUMNS = `
  select addon.*, server.port, tenant.backup_policy as tenant_backup_policy,
         case when archive.removed_at is null then archive.keep_until end as archive_kept_until
    from addon join server on server.id = addon.server_id join tenant on tenant.id = addon.tenant_id
    join archive on archive.server_id = addon.server_id
   where addon.tenant_id = $1 and addon.purpose = 'service'`
const ONE = `${COLUMNS} and addon.id = $2`
const LIST = `${COLUMNS} and addon.deleted_at is null and addon.id > $2 order by addon.id limit 51`
const ENTER = `select set_config('undrop.tenant', $1, false)`
const ENTER_LOCALLY = `select set_config('undrop.tenant', $1, true)`

type Query = (name: string, text: string, values: unknown[]) => Promise<unknown[]>

const entered = new WeakSet<pg.PoolClient>()

/** The setting is the session's, made once; here there is one tenant. */
const inSession: Query = async (name, text, values) => {
  const client = await pool.connect()
  try {
    if (!entered.has(client)) await client.query(ENTER, [BENCH_TENANT])
    entered.add(client)
    return (await client.query({ name, text, values })).rows
  } finally {
    client.release()
  }
}

/** The setting is a transaction's, as is most often advised. */
const inTransaction: Query = async (name, text, values) => {
  const client = await pool.connect()
  try {
    await client.query('begin')
    await client.query(ENTER_LOCALLY, [BENCH_TENANT])
    const { rows } = await client.query({ name, text, values })
    await client.query('commit')
    return rows
  } finally {
    client.release()
  }
}

const query = BENCH_FORM === 'transaction' ? inTransaction : inSession
const app = Fastify()
app.get('/ready', async () => ({}))
app.get<{ Params: { id: string } }>('/addons/:id', async ({ params }, reply) => {
  const [row] = await query('one', ONE, [BENCH_TENANT, params.id])
  return row ?? reply.code(404).send()
})
app.get('/addons', async () => ({ data: await query('list', LIST, [BENCH_TENANT, '']) }))
await app.listen({ host: '127.0.0.1', port: Number(PORT) })
process.once('SIGTERM', () => process.exit(0))
