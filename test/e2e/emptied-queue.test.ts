import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { aProtectedAddon, aTenant, clockOf, query, restoredChild, untilProtected } from './support/stories.ts'
import { startUndrop, type Undrop } from './support/undrop.ts'

const EMPTIED_EVERY_MILLISECONDS = 50

let server: RedisServer
let redis: Redis
let undrop: Undrop

beforeAll(async () => {
  server = await startRedis()
  redis = new Redis(server.url)
  undrop = await startUndrop({ REDIS_URL: server.url })
})
afterAll(async () => {
  await undrop.remove()
  redis.disconnect()
  await server.stop()
})

/** Takes everything away, again and again, and counts the keys. */
function keepEmpty() {
  let taken = 0
  const empty = async () => {
    taken += await redis.dbsize()
    await redis.flushall()
  }
  const timer = setInterval(() => void empty(), EMPTIED_EVERY_MILLISECONDS)
  return { taken: () => taken, [Symbol.dispose]: () => clearInterval(timer) }
}

test('an add-on is provisioned, protected and restored though Redis is emptied all the time', async () => {
  using emptied = keepEmpty()
  const parent = await aProtectedAddon(undrop, await aTenant(undrop))
  await query(parent.login.url, 'create table customers as select n from generate_series(1, 5) as n')
  const before = await clockOf(parent.login.url)
  await query(parent.login.url, 'drop table customers')

  const child = await restoredChild(undrop, parent.id, { time: before })
  expect(await query(child.login.url, 'select count(*)::int from customers')).toEqual([{ count: 5 }])
  await untilProtected(undrop, child.restore.childAddonId)
  expect(emptied.taken()).toBeGreaterThan(0)
})
