import { type Credentials, clockOf, type DemoClient, query, urlAs } from './client.ts'

interface Addon {
  id: string
  status: string
  protection: string
}

interface Restore {
  id: string
  status: string
  childAddonId: string
  reached: { time: string | null; lsn: string; xid: string | null; exact: boolean } | null
  phaseSeconds: Record<string, number>
  failure: object | null
}

const CUSTOMERS = 5

/** From an empty control plane to a dropped table that is back, each step with the seconds it took. */
export async function tellStory(api: DemoClient, startSeconds: number): Promise<void> {
  say(`Undrop is up: API, worker, metadata database`, startSeconds)
  const tenant = await api.call<{ id: string }>('POST', '/v1/tenants', { name: 'acme' })

  const addon = await timed('POST /v1/addons: "shop" is available', async () => {
    const { id } = await api.call<Addon>('POST', '/v1/addons', { tenantId: tenant.id, name: 'shop' })
    return api.until<Addon>(`/v1/addons/${id}`, ({ status }) => settled(status, 'available'))
  })
  const parent = await api.reveal(addon.id)
  await timed('its app creates table customers with five rows', async () => {
    await query(parent.url, 'create table customers (id serial primary key, name text)')
    await query(
      parent.url,
      `insert into customers (name) select 'customer ' || n from generate_series(1, ${CUSTOMERS}) as n`,
    )
  })
  await timed(
    'the first base backup is complete: "shop" is protected, back to a second after it',
    async () => {
      await api.until<Addon>(`/v1/addons/${addon.id}`, ({ protection }) => protection === 'protected')
      const window = `/v1/addons/${addon.id}/recovery-window`
      await api.until<{ earliest: string; latest: string }>(
        window,
        ({ earliest, latest }) => earliest < latest,
      )
    },
  )

  const before = await clockOf(parent.url)
  await timed('DROP TABLE customers', () => query(parent.url, 'drop table customers'))
  const { child } = await restoreTo(api, addon.id, { time: before }, `restore to ${before}, just before`)

  const rows = await query<{ name: string }>(child.url, 'select name from customers')
  check(rows.length === CUSTOMERS, `the child has the ${CUSTOMERS} customers`)
  check(await refused(child, parent), 'the old credentials are refused on the child')
  check(await refused(parent, child), 'the new ones are refused on the parent')

  const now = await clockOf(parent.url)
  const idle = await restoreTo(api, addon.id, { time: now }, `restore to now on an idle database`)
  check(idle.restore.reached?.exact === true, 'it reached the exact moment')

  await timed('DELETE: the add-on and both children are gone', async () => {
    const { data } = await api.call<{ data: Addon[] }>('GET', '/v1/addons')
    for (const { id } of data) await api.call('DELETE', `/v1/addons/${id}`)
    for (const { id } of data)
      await api.until<Addon>(`/v1/addons/${id}`, ({ status }) => status === 'deleted')
  })
}

async function restoreTo(api: DemoClient, addonId: string, target: object, what: string) {
  const restore = await timed(what, async () => {
    const { id } = await api.call<Restore>('POST', `/v1/addons/${addonId}/restores`, { target })
    return api.until<Restore>(`/v1/restores/${id}`, ({ status }) => settled(status, 'succeeded'))
  })
  const phases = Object.entries(restore.phaseSeconds).filter(([phase]) => phase !== 'total')
  console.log(`          ${phases.map(([phase, seconds]) => `${phase} ${seconds.toFixed(2)} s`).join(', ')}`)
  console.log(`          reached ${JSON.stringify(restore.reached)}`)
  return { restore, child: await api.reveal(restore.childAddonId) }
}

/** True at the wanted end, false on the way there. */
function settled(status: string, wanted: string): boolean {
  if (status === 'failed' || status === 'cancelled') throw new Error(`it ${status}`)
  return status === wanted
}

async function refused(server: Credentials, other: Credentials): Promise<boolean> {
  return query(urlAs(server.url, { ...other, port: server.port }), 'select 1').then(
    () => false,
    () => true,
  )
}

async function timed<Result>(what: string, work: () => Promise<Result>): Promise<Result> {
  const startedAt = performance.now()
  const result = await work()
  say(what, (performance.now() - startedAt) / 1000)
  return result
}

function say(what: string, seconds: number): void {
  console.log(`${seconds.toFixed(2).padStart(6)} s  ${what}`)
}

function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(`it does not hold that ${what}`)
  console.log(`      ok  ${what}`)
}
