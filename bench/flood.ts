import { parseArgs } from 'node:util'
import { DemoClient } from '../src/bin/demo/client.ts'
import { type Latencies, openLoop } from './api/process.ts'
import { type Bench, deleteAddon, median, printFigure, runBench, untilProtected } from './support/bench.ts'

// What a tenant feels of another's flood: of requests, and of work that it has asked for.

const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, seconds: { type: 'string', default: '8' } },
})
const [rounds, seconds] = [Number(options.rounds), Number(options.seconds)]
/** Of the one that behaves, and of the flood. */
const [CALM_PER_SECOND, FLOOD_PER_SECOND] = [20, 400]
const FLOOD_ADDONS = 2
/** Beside the same without the flood: two cores are shared by both, whatever the limits are. */
const [P99_ADDED_MILLISECONDS_MAX, START_ADDED_SECONDS_MAX] = [100, 2]

interface Tenant {
  id: string
  secret: string
  api: DemoClient
}

await runBench(async (bench) => {
  const [flooding, calm] = [await newTenant(bench), await newTenant(bench)]
  await bench.api.call('PATCH', `/v1/tenants/${flooding.id}`, { quotas: { addons: FLOOD_ADDONS } })
  const addons = await Promise.all(
    Array.from({ length: FLOOD_ADDONS }, (_, n) => newAddon(flooding, `a-${n}`)),
  )
  for (const id of addons) await untilProtected(bench, id)

  const seen = { without: [] as Seen[], with: [] as Seen[] }
  for (let round = 0; round < rounds; round++) {
    seen.without.push(await look(bench, calm))
    const [, duringFlood] = await Promise.all([flood(bench.url, flooding, addons), look(bench, calm)])
    seen.with.push(duringFlood)
  }
  return report(seen)
})

interface Seen {
  latencies: Latencies
  startSeconds: number
}

/** What the calm tenant sees: its requests, and when an operation of its own is begun. */
async function look(bench: Bench, tenant: Tenant): Promise<Seen> {
  const load = { secret: tenant.secret, perSecond: CALM_PER_SECOND, seconds }
  const [latencies, startSeconds] = await Promise.all([
    openLoop({ ...load, urls: [`${bench.url}/v1/addons`] }),
    startDelay(bench, tenant),
  ])
  return { latencies, startSeconds }
}

async function startDelay(bench: Bench, { api }: Tenant): Promise<number> {
  const { id } = await api.call<{ id: string }>('POST', '/v1/addons', { name: 'calm' })
  type Begun = { data: { createdAt: string; startedAt: string | null }[] }
  const { data } = await api.until<Begun>(
    `/v1/operations?addonId=${id}`,
    (begun) => begun.data[0]?.startedAt != null,
  )
  await untilProtected(bench, id)
  await deleteAddon(bench, id)
  const [operation] = data
  return (Date.parse(operation?.startedAt ?? '') - Date.parse(operation?.createdAt ?? '')) / 1000
}

/** Lists as fast as it may and faster, asks for add-ons beyond its quota and for backups of those that it has. */
async function flood(url: string, { secret, api }: Tenant, addons: readonly string[]): Promise<void> {
  const until = performance.now() + seconds * 1000
  const work = async () => {
    while (performance.now() < until) {
      for (const id of addons) await api.call('POST', `/v1/addons/${id}/backups`, {}).catch(() => {})
      await api.call('POST', '/v1/addons', { name: 'beyond' }).catch(() => {})
    }
  }
  const requests = openLoop({
    secret,
    perSecond: FLOOD_PER_SECOND,
    seconds,
    urls: [`${url}/v1/addons?limit=200`],
  })
  const [{ statuses }] = await Promise.all([requests, work()])
  console.log(`flood: ${JSON.stringify(statuses)}`)
}

async function newTenant({ api, url, directory }: Bench): Promise<Tenant> {
  const { id } = await api.call<{ id: string }>('POST', '/v1/tenants', { name: 'bench' })
  const key = await api.call<{ secret: string }>('POST', `/v1/tenants/${id}/api-keys`, { name: 'bench' })
  return { id, secret: key.secret, api: new DemoClient({ url, platformKey: key.secret, directory }) }
}

async function newAddon({ api }: Tenant, name: string): Promise<string> {
  return (await api.call<{ id: string }>('POST', '/v1/addons', { name })).id
}

function report(seen: { without: Seen[]; with: Seen[] }): boolean {
  const p99 = (runs: Seen[]) => median(runs.map(({ latencies }) => latencies.p99))
  const begun = (runs: Seen[]) => median(runs.map(({ startSeconds }) => startSeconds))
  printFigure('p99 without, milliseconds', p99(seen.without))
  printFigure('p99 with', p99(seen.with))
  printFigure('start without, seconds', begun(seen.without))
  printFigure('start with', begun(seen.with))
  return [
    printFigure('p99 added', p99(seen.with) - p99(seen.without), P99_ADDED_MILLISECONDS_MAX),
    printFigure('start added', begun(seen.with) - begun(seen.without), START_ADDED_SECONDS_MAX),
  ].every((kept) => kept)
}
