import pg from 'pg'
import { expect, inject, onTestFinished, test } from 'vitest'
import { startRedis } from '../../support/redis-server.ts'
import { until } from '../../support/until.ts'
import { startProcess } from './processes.ts'

async function admin(database: string, statement: string): Promise<void> {
  const client = new pg.Client({ ...inject('testCluster'), database })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

const FILES = ['api', 'worker'] as const

test.each(FILES)(
  '%s is not ready while Redis is away, says so within a second, and comes back',
  async (file) => {
    const redis = await startRedis()
    const process = await startProcess(file, { REDIS_URL: redis.url })
    await until(async () => (await process.ready())?.status === 200)

    await redis.stop()
    await until(async () => (await process.ready())?.status === 503)
    const askedAt = performance.now()
    expect(await process.ready()).toEqual({ status: 503, failed: ['queue'] })
    expect(performance.now() - askedAt).toBeLessThan(2000)

    const again = await startRedis(Number(new URL(redis.url).port))
    onTestFinished(() => again.stop())
    await until(async () => (await process.ready())?.status === 200)
  },
)

test.each(FILES)('%s is not ready while the metadata database refuses it, and comes back', async (file) => {
  const redis = await startRedis()
  onTestFinished(() => redis.stop())
  const process = await startProcess(file, { REDIS_URL: redis.url })
  const { database } = process
  await until(async () => (await process.ready())?.status === 200)

  await admin('postgres', `alter database ${database} allow_connections false`)
  await admin(
    'postgres',
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${database}'`,
  )
  await until(async () => (await process.ready())?.status === 503)
  expect(await process.ready()).toEqual({ status: 503, failed: ['metadata'] })
  expect((await fetch(`${process.url}/healthz`)).status).toBe(200)
  // What tells of the outage is there during it.
  const metrics = await (await fetch(`${process.url}/metrics`)).text()
  expect(metrics).toContain('undrop_metadata_waiting')

  await admin('postgres', `alter database ${database} allow_connections true`)
  await until(async () => (await process.ready())?.status === 200)
})

test.each([
  ['miss some', `delete from undrop.kysely_migration where name = '0003_tenant_wall'`],
  ['are newer', `insert into undrop.kysely_migration values ('9999_later', now()::text)`],
])('nobody is ready on a metadata database whose migrations %s', async (_what, statement) => {
  const process = await startProcess('api')
  await until(async () => (await process.ready())?.status === 200)
  await admin(process.database, statement)
  expect(await process.ready()).toEqual({ status: 503, failed: ['migrations'] })
})
