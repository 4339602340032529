import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { freePort } from '../support/ports.ts'
import { startCluster } from '../support/postgres-cluster.ts'
import { startRedis } from '../support/redis-server.ts'
import { serverGround } from '../support/server-ground.ts'
import { aProtectedAddon, aTenant, clockOf, query, restoredChild } from './support/stories.ts'
import { startUndrop } from './support/undrop.ts'

/** An existing PostgreSQL, and a login on it that is no superuser and owns a database. */
async function existingDatabase(): Promise<string> {
  const ground = await serverGround()
  onTestFinished(() => ground[Symbol.asyncDispose]())
  const port = await freePort()
  const cluster = await startCluster(ground, { port, listenAddresses: '127.0.0.1' })
  const client = new pg.Client({ ...cluster, database: 'postgres' })
  await client.connect()
  await client.query('create role operator login createrole')
  await client.query('create database control owner operator')
  await client.end()
  return `postgresql://operator@127.0.0.1:${port}/control`
}

test('metadata and queue live in an existing PostgreSQL and in Redis when it is told so', async () => {
  const redis = await startRedis()
  onTestFinished(() => redis.stop())
  const databaseUrl = await existingDatabase()
  const undrop = await startUndrop({ DATABASE_URL: databaseUrl, REDIS_URL: redis.url })
  onTestFinished(() => undrop.remove())

  const { id, login } = await aProtectedAddon(undrop, await aTenant(undrop))
  await query(login.url, 'create table kept as select 1 as n')
  const { login: child } = await restoredChild(undrop, id, { time: await clockOf(login.url) })
  expect(await query(child.url, 'select n from kept')).toEqual([{ n: 1 }])
  expect(await query(databaseUrl, `select set_config('role', 'undrop_api', false)`)).toHaveLength(1)
})
