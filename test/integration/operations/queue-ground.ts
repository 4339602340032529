import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import pg from 'pg'
import { inject, onTestFinished } from 'vitest'
import { type Db, type MetadataConnection, openDb, openPool, scopedDb } from '../../../src/db/client.ts'
import type { QueueBackend } from '../../../src/operations/queue.ts'
import { freshMetadata } from '../../support/metadata-database.ts'

export interface QueueGround {
  api: { db: Db; backend: QueueBackend }
  worker: { db: Db; backend: QueueBackend }
  /** Forgets every job there is, as a Redis without persistence does when it restarts. */
  empty(): Promise<void>
}

type RunQueueGround = (kind: QueueBackend['kind']) => Promise<QueueGround>

/** Logins for API and worker that may do nothing but what their roles may, and a queue of that kind. */
export const queueGround: RunQueueGround = async (kind) => {
  const metadata = await freshMetadata()
  const superuser = new pg.Client({ ...metadata.connection.pool })
  await superuser.connect()
  const suffix = randomBytes(6).toString('hex')
  const connectionAs = async (role: 'undrop_api' | 'undrop_worker'): Promise<MetadataConnection> => {
    await superuser.query(`create role ${role}_${suffix} login in role ${role}`)
    return { pool: { ...metadata.connection.pool, user: `${role}_${suffix}` }, role }
  }
  const [api, worker] = [await connectionAs('undrop_api'), await connectionAs('undrop_worker')]
  const pools = [openPool(api), openPool(worker)] as const
  onTestFinished(async () => {
    await Promise.all(pools.map((pool) => pool.end()))
    await superuser.query(`drop role undrop_api_${suffix}, undrop_worker_${suffix}`)
    await superuser.end()
  })

  const redis = redisOfOurOwn()
  const backendAs = (connection: MetadataConnection): QueueBackend =>
    kind === 'postgres' ? { kind, metadata: connection } : { kind, url: redis.url }
  return {
    api: { db: scopedDb(pools[0], 'every-tenant'), backend: backendAs(api) },
    worker: { db: openDb(pools[1]), backend: backendAs(worker) },
    empty: kind === 'postgres' ? () => emptySchema(superuser) : redis.empty,
  }
}

/** Redis has sixteen databases; other tests use the first one. */
let lastDatabase = 0

function redisOfOurOwn() {
  lastDatabase = (lastDatabase % 15) + 1
  const url = `${inject('redisUrl')}/${lastDatabase}`
  const empty = async () => {
    const redis = new Redis(url, { lazyConnect: true })
    await redis.connect()
    await redis.flushdb()
    redis.disconnect()
  }
  onTestFinished(empty)
  return { url, empty }
}

const DEADLOCK_DETECTED = '40P01'

/**
 * Which migrations have been applied is no part of the queue. Workers are at the tables in an order of their own, so it is
 * this session that notices a deadlock first, and tries again.
 */
async function emptySchema(superuser: pg.Client): Promise<void> {
  const { rows } = await superuser.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
      where schemaname = 'bullmq' and tablename <> 'migration'`,
  )
  await superuser.query(`set deadlock_timeout = '10ms'`)
  for (;;) {
    try {
      await superuser.query(`truncate ${rows.map(({ name }) => name).join(', ')}`)
      return
    } catch (error) {
      if (!(error instanceof pg.DatabaseError && error.code === DEADLOCK_DETECTED)) throw error
    }
  }
}
