import { existsSync } from 'node:fs'
import { Agent } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { sql } from 'kysely'
import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { problemCodes } from '../../../src/domain/problem.ts'
import { createLogger } from '../../../src/telemetry/logger.ts'
import { CANARY_FILE, MARK } from './fuzz/hostile.ts'
import { randomOf } from './fuzz/random.ts'
import { type FuzzedRequest, fuzzedRequest, type Material } from './fuzz/requests.ts'
import { type Answer, send } from './fuzz/send.ts'
import { documentedOperations } from './openapi-operations.ts'
import { type Api, startApi } from './test-api.ts'
import { settle } from './wall/ground.ts'

const REQUESTS = Number(process.env['FUZZ_REQUESTS'] ?? 3000)
const SEED = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31)
const AT_ONCE = 16
/** What is deleted by a valid request is missed by later ones, so there is another tenant now and then. */
const REQUESTS_PER_TENANT = 500
const GROWTH_MEGABYTES_MAX = 48

test(`${REQUESTS} requests made from the document, hostile ones among them, end in documented answers (FUZZ_SEED=${SEED})`, async () => {
  const statements = watchStatements()
  const api = await startApi({ logger: createLogger({ level: 'info' }, { write: () => {} }) })
  await api.app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = api.app.server.address() as AddressInfo
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE })
  onTestFinished(() => agent.destroy())
  const tables = await tablesOf(api)

  const random = randomOf(SEED)
  const faults: string[] = []
  let heapAfterWarmUp = 0
  for (let done = 0; done < REQUESTS && faults.length === 0; done += REQUESTS_PER_TENANT) {
    const material = await materialOf(api)
    const requests = Array.from({ length: Math.min(REQUESTS_PER_TENANT, REQUESTS - done) }, () =>
      fuzzedRequest(random, material),
    )
    await eachAtOnce(requests, async (request) => {
      const answer = await send(agent, port, request).catch((error: Error) => error)
      faults.push(...faultsOf(request, answer).map((fault) => `${fault}: ${inShort(request, answer)}`))
    })
    if (done <= REQUESTS / 4) heapAfterWarmUp = heapMegabytes()
  }

  expect(faults.slice(0, 5)).toEqual([])
  expect(statements.marked()).toEqual([])
  expect(existsSync(CANARY_FILE)).toBe(false)
  expect(await tablesOf(api)).toEqual(tables)
  expect(heapMegabytes() - heapAfterWarmUp).toBeLessThan(GROWTH_MEGABYTES_MAX)
  expect((await api.app.inject('/healthz')).statusCode).toBe(200)
}, 1_800_000)

async function materialOf(api: Api): Promise<Material> {
  const tenant = await settle(api)
  const operations = await documentedOperations()
  return {
    operations,
    ids: tenant.ids,
    keys: [tenant.authorization, tenant.authorization, api.authorization],
  }
}

/** What an answer has that no answer may have. */
function faultsOf({ operation, method }: FuzzedRequest, answer: Answer | Error): string[] {
  if (answer instanceof Error) return ['no answer']
  const { status, mediaType, text } = answer
  if (status >= 500) return ['a fault of the server']
  if (status < 200 || (status >= 300 && status < 400 && status !== 304)) return ['not an answer of the API']
  if (status < 400)
    return operation?.method === method && !operation.statuses.includes(status) ? ['undocumented'] : []
  if (method === 'HEAD') return []
  if (!mediaType.startsWith('application/problem+json')) return ['not a problem document']
  const { type } = JSON.parse(text) as { type: string }
  const code = type.split('/').at(-1) ?? ''
  const faults = problemCodes.includes(code as never) ? [] : ['not in the catalogue']
  if (/\bat .*\.ts:\d|node_modules/.test(text)) faults.push('tells of its inside')
  const isOfHttp = EVERYWHERE.includes(status) || operation === null || operation.method !== method
  return isOfHttp || operation.statuses.includes(status) ? faults : [...faults, 'undocumented']
}

/** Bad requests, those without a key, paths that are none, and what is refused before an operation is found. */
const EVERYWHERE = [400, 401, 404, 405, 413, 414, 415, 417, 431]

const inShort = ({ method, target, headers, body }: FuzzedRequest, answer: Answer | Error) =>
  JSON.stringify({
    method,
    target: target.slice(0, 300),
    headers: {
      ...headers,
      authorization: headers['authorization']?.startsWith('Bearer udk_') ? '…' : headers['authorization'],
    },
    body: String(body).slice(0, 300),
    answer: answer instanceof Error ? answer.message : `${answer.status} ${answer.text.slice(0, 300)}`,
  })

/** Collects statements whose text holds what a request has brought: that belongs into parameters. */
function watchStatements() {
  const marked: string[] = []
  const query = pg.Client.prototype.query
  pg.Client.prototype.query = function watched(this: pg.Client, ...args: unknown[]) {
    const [first] = args
    const text = typeof first === 'string' ? first : (first as { text?: string } | undefined)?.text
    if (text?.includes(MARK)) marked.push(text)
    return Reflect.apply(query, this, args) as never
  } as typeof query
  onTestFinished(() => {
    pg.Client.prototype.query = query
  })
  return { marked: () => marked }
}

async function tablesOf({ db }: Api): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select table_schema || '.' || table_name as name from information_schema.tables order by 1`.execute(db)
  return rows.map(({ name }) => name)
}

async function eachAtOnce<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const queue = items.values()
  const workers = Array.from({ length: AT_ONCE }, async () => {
    for (const item of queue) await work(item)
  })
  await Promise.all(workers)
}

function heapMegabytes(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  return process.memoryUsage().heapUsed / 1e6
}
