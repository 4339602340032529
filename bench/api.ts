import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { freePort } from '../src/bin/demo/free-port.ts'
import { startCluster } from '../test/support/postgres-cluster.ts'
import { serverGround } from '../test/support/server-ground.ts'
import { prepareFleet } from './api/fleet.ts'
import { type HttpProcess, openLoop, startHttp, throughput } from './api/process.ts'
import { median, printFigure } from './support/bench.ts'

// What the API costs beside a bare Fastify route that makes the same query with pg, and whether its answers stay fast.

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '5' },
    connections: { type: 'string', default: '10' },
    only: { type: 'string', default: 'one,page,latency,pages' },
    check: { type: 'boolean', default: false },
  },
})
const [rounds, seconds] = [Number(options.rounds), Number(options.seconds)]
const load = { seconds, connections: Number(options.connections) }
const RATIO_MIN = 0.5
const P99_MILLISECONDS_MAX = 25
/** Of the medians: what a page costs does not follow from how many there are. */
const PAGE_RATIO_MAX = 1.5
const PER_SECOND = 500
const PAGES = 300

await using ground = await serverGround()
const cluster = await startCluster(ground)
const { few, many, connection } = await prepareFleet(cluster, 'bench')
const DATABASE_URL = `postgresql://postgres@localhost:${connection.port}/bench?host=${connection.host}`
const dataDirectory = await mkdtemp(join(tmpdir(), 'undrop-bench-'))
await chmod(dataDirectory, 0o711)
const passed: boolean[] = []
{
  await using api = await startApi()
  await using session = await startBare('session')
  await using transaction = await startBare('transaction')
  const parts = options.only.split(',')
  const bare = { session, transaction }
  if (parts.includes('one')) await compare('one add-on', `/addons/${few.addonId}`, api, bare)
  if (parts.includes('page')) await compare('a page of 50', '/addons', api, bare)
  if (parts.includes('latency')) await answersStayFast(api)
  if (parts.includes('pages')) await pagesCostTheSame(api)
}
await rm(dataDirectory, { recursive: true, force: true })
process.exit(options.check && passed.includes(false) ? 1 : 0)

/** As in production, at its usual log level; limits are on, and beyond what one client of a benchmark sends. */
async function startApi(): Promise<HttpProcess> {
  const limits = { UNDROP_REQUESTS_PER_SECOND: '1000000', UNDROP_REQUESTS_BURST: '1000000' }
  const env = { DATABASE_URL, UNDROP_DATA_DIR: dataDirectory, UNDROP_PORT_RANGE: '20000-29999', ...limits }
  return startHttp('../../src/bin/api.ts', await freePort(), env, '/readyz')
}

async function startBare(form: string): Promise<HttpProcess> {
  const env = { DATABASE_URL, BENCH_TENANT: few.id, BENCH_FORM: form }
  return startHttp('bare.ts', await freePort(), env, '/ready')
}

/** Turn by turn, so that whatever else the machine does meets all of them. */
async function compare(what: string, path: string, api: HttpProcess, bare: Record<string, HttpProcess>) {
  const ours: number[] = []
  const theirs: Record<string, number[]> = {}
  const warm = [`${api.url}/v1${path}`, ...Object.values(bare).map(({ url }) => url + path)]
  for (const url of warm) await throughput(url, few.secret, { ...load, seconds: 2 })
  for (let round = 0; round < rounds; round++) {
    ours.push(await throughput(`${api.url}/v1${path}`, few.secret, load))
    for (const [form, { url }] of Object.entries(bare)) {
      theirs[form] = [...(theirs[form] ?? []), await throughput(url + path, few.secret, load)]
    }
  }
  console.log(`\n${what}: requests/s, medians of ${rounds} rounds`)
  printFigure('undrop', median(ours))
  for (const [form, each] of Object.entries(theirs)) {
    printFigure(`bare, setting of the ${form}`, median(each))
    const ratio = median(ours.map((value, round) => value / (each[round] ?? Number.NaN)))
    printFigure('  ratio undrop : bare', ratio)
    // The faster of the two is the measure.
    if (form === 'session') passed.push(ratio >= RATIO_MIN)
  }
}

async function answersStayFast({ url }: HttpProcess) {
  const urls = [
    `${url}/v1/addons/${few.addonId}`,
    `${url}/v1/addons/${few.addonId}`,
    `${url}/v1/addons?limit=20`,
  ]
  console.log(`\n${PER_SECOND} requests/s, one in three a page of 20: milliseconds, of ${rounds} rounds`)
  const runs = []
  for (let round = 0; round < rounds; round++) {
    const run = await openLoop({ urls, secret: few.secret, perSecond: PER_SECOND, seconds })
    if (Object.keys(run.statuses).join() !== '200') throw new Error(JSON.stringify(run.statuses))
    runs.push(run)
  }
  printFigure('p50', median(runs.map(({ p50 }) => p50)))
  passed.push(printFigure('p99', median(runs.map(({ p99 }) => p99)), P99_MILLISECONDS_MAX))
  printFigure('p99, worst round', Math.max(...runs.map(({ p99 }) => p99)))
}

/** One page after the other, of the tenants in turns. */
async function pagesCostTheSame({ url }: HttpProcess) {
  const deep = Buffer.from(`${many.addonId.slice(0, -6)}090000`).toString('base64url')
  const pages = {
    'tenant with 100 add-ons': { secret: few.secret, path: '/v1/addons' },
    'tenant with 100,000 add-ons': { secret: many.secret, path: '/v1/addons' },
    'the same, after 90,000': { secret: many.secret, path: `/v1/addons?cursor=${deep}` },
  }
  const times: Record<string, number[]> = {}
  for (let number = 0; number < PAGES; number++) {
    for (const [name, { secret, path }] of Object.entries(pages)) {
      const startedAt = performance.now()
      const answer = await fetch(url + path, { headers: { authorization: `Bearer ${secret}` } })
      const { data } = (await answer.json()) as { data: unknown[] }
      if (data.length !== 50) throw new Error(`${name}: ${data.length} add-ons`)
      times[name] = [...(times[name] ?? []), performance.now() - startedAt]
    }
  }
  console.log(
    '\na page of 50: milliseconds, medians; 100,000 more add-ons belong to a thousand other tenants',
  )
  const [first = [], ...others] = Object.values(times)
  for (const [name, each] of Object.entries(times)) printFigure(name, median(each))
  const worst = Math.max(...others.map((each) => median(each) / median(first)))
  passed.push(printFigure('ratio, worst', worst, PAGE_RATIO_MAX))
}
