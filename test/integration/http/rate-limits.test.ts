import { Redis } from 'ioredis'
import { expect, inject, onTestFinished, test } from 'vitest'
import { openRedis } from '../../../src/bin/admission-limits.ts'
import { newApiKeySecret } from '../../../src/domain/credentials.ts'
import { type AdmissionLimits, NO_RATES } from '../../../src/http/admission/limits.ts'
import { startRedis } from '../../support/redis-server.ts'
import { type Client, codeOf, startApi } from './test-api.ts'

const rate = (burst: number) => ({ perSecond: burst / 3600, burst })
const limits = (some: Partial<AdmissionLimits>): { limits: AdmissionLimits } => ({
  limits: { ...NO_RATES, ...some },
})

const ask = (client: Client, times: number) =>
  Promise.all(Array.from({ length: times }, () => client('GET', '/v1/addons')))
const answered = (answers: { statusCode: number }[], status: number) =>
  answers.filter(({ statusCode }) => statusCode === status).length

test('of one key no more requests than its burst are answered, and another key is not kept waiting', async () => {
  const api = await startApi({}, limits({ key: rate(20) }))
  const [first, second] = [await api.newTenant(), await api.newTenant()]
  const answers = await ask(first.client, 50)
  expect(answered(answers, 200)).toBe(20)
  const refused = answers.find(({ statusCode }) => statusCode === 429)
  expect(refused && codeOf(refused)).toBe('rate-limited')
  expect(Number(refused?.headers['retry-after'])).toBeGreaterThan(3500)
  expect(refused?.headers).toMatchObject({ 'ratelimit-limit': '20', 'ratelimit-remaining': '0' })
  expect(answered(await ask(second.client, 5), 200)).toBe(5)
})

test('RateLimit headers count down', async () => {
  const api = await startApi({}, limits({ key: rate(20) }))
  const { client } = await api.newTenant()
  const remaining = []
  for (let n = 0; n < 3; n++)
    remaining.push((await client('GET', '/v1/addons')).headers['ratelimit-remaining'])
  expect(remaining).toEqual(['19', '18', '17'])
})

test('who tries keys out is refused before the database is asked, whoever else has a key is not', async () => {
  const api = await startApi({}, limits({ address: rate(10) }))
  const { client } = await api.newTenant()
  await client('GET', '/v1/addons')
  const guesses = []
  for (let n = 0; n < 15; n++) guesses.push(await api.clientWith(newApiKeySecret())('GET', '/v1/addons'))
  expect(guesses.map(({ statusCode }) => statusCode)).toEqual([
    ...Array.from({ length: 10 }, () => 401),
    ...Array.from({ length: 5 }, () => 429),
  ])
  expect((await client('GET', '/v1/addons')).statusCode).toBe(200)
})

test('a key that is revoked is refused at once, also where it was known', async () => {
  const api = await startApi()
  const { id, client, keyId } = await api.newTenant()
  expect((await client('GET', '/v1/addons')).statusCode).toBe(200)
  await api.platform('DELETE', `/v1/tenants/${id}/api-keys/${keyId}`)
  expect((await client('GET', '/v1/addons')).statusCode).toBe(401)
})

test('health and metrics are not counted', async () => {
  const api = await startApi({}, limits({ address: rate(1), key: rate(1) }))
  for (let n = 0; n < 5; n++) expect((await api.app.inject('/healthz')).statusCode).toBe(200)
})

test('API processes with one Redis count together', async () => {
  const redis = openRedis(inject('redisUrl'))
  onTestFinished(() => redis.disconnect())
  await new Promise((resolve) => redis.once('ready', resolve))
  const api = await startApi({}, limits({ key: rate(20), redis }))
  const { client } = await api.newTenant()
  expect(answered(await ask(client, 30), 200)).toBe(20)
  const other = new Redis(inject('redisUrl'))
  onTestFinished(() => other.disconnect())
  expect((await other.keys('undrop:requests:key:*')).length).toBeGreaterThan(0)
})

test('while Redis is away nobody is refused, and the log says so once', async () => {
  const server = await startRedis()
  const redis = openRedis(server.url)
  onTestFinished(() => redis.disconnect())
  await new Promise((resolve) => redis.once('ready', resolve))
  const api = await startApi({}, limits({ key: rate(5), redis }))
  const { client } = await api.newTenant()
  await server.stop()
  expect(answered(await ask(client, 50), 200)).toBe(50)
  expect(api.logged().split('requests are not counted')).toHaveLength(2)
})
