import type pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { openDb, openPool, scopedDb } from '../../../src/db/client.ts'
import { firstIdAt } from '../../../src/domain/ids.ts'
import { addSeconds } from '../../../src/domain/moment.ts'
import { SCOPES } from '../../../src/domain/scopes.ts'
import { freshMetadata } from '../../support/metadata-database.ts'
import { BEGAN, COUNT, crowd } from './crowd.ts'
import { documentedOperations, fill, type Operation } from './openapi-operations.ts'
import { availableAddon, startApi } from './test-api.ts'

interface PlanNode {
  'Node Type': string
  'Relation Name'?: string
  'Index Name'?: string
  'Actual Rows': number
  'Actual Loops': number
  'Rows Removed by Filter'?: number
  'Plans'?: PlanNode[]
}

/** Carries out and explains every query of the sessions of that pool while `explain` is on. */
function explainer(pool: pg.Pool) {
  const seen = { explain: false, plans: [] as { text: string; plan: PlanNode }[] }
  const connect = pool.connect.bind(pool) as () => Promise<pg.PoolClient>
  pool.connect = (async () => {
    const client = await connect()
    const query = client.query.bind(client) as (...args: unknown[]) => Promise<pg.QueryResult>
    const explaining = async (...args: unknown[]) => {
      const [given, listed] = args as [string | { text: string; values?: unknown[] }, unknown[] | undefined]
      const { text, values } = typeof given === 'string' ? { text: given, values: listed } : given
      if (seen.explain && /^(with|select) /.test(text)) {
        const { rows } = await query(`explain (analyze, format json) ${text}`, values)
        seen.plans.push({ text, plan: rows[0]['QUERY PLAN'][0]['Plan'] })
      }
      return query(...args)
    }
    const release = client.release.bind(client)
    client.query = explaining as never
    client.release = (...args) => {
      client.query = query as never
      client.release = release
      release(...args)
    }
    return client
  }) as never
  return seen
}

/** A plan as a person reads it. */
const brief = (node: PlanNode, depth = 0): string =>
  [
    `${'  '.repeat(depth)}${node['Node Type']} ${node['Index Name'] ?? node['Relation Name'] ?? ''} ${node['Actual Rows']} x ${node['Actual Loops']}, removed ${node['Rows Removed by Filter'] ?? 0}`,
    ...(node.Plans ?? []).map((child) => brief(child, depth + 1)),
  ].join('\n')

const nodesOf = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)]

/**
 * Not covered: a page far down the list of a label that nearly every add-on has, which reads the index up to it.
 * What a list may be asked for: nothing, and each of its filters, rare ones and such as leave out nearly everything.
 */
function queriesOf(
  { queryParameters, path }: Operation,
  ids: { tenantId: string; addonId: string; endpointId: string },
): string[] {
  const late = addSeconds(BEGAN, COUNT * 0.9)
  const kind =
    /(tenant|api-key|platform-key|credential|webhook-endpoint|addon|backup|restore-point|restore|drill|operation)s$/.exec(
      path,
    )?.[1] ?? ''
  const camel = (path.endsWith('/deliveries') ? 'webhook-delivery' : kind)
    .replace('platform', 'api')
    .replace(/-(\w)/, (_, letter: string) => letter.toUpperCase())
  const cursor = Buffer.from(firstIdAt(camel as 'addon', late)).toString('base64url')
  const withStatus = (query: string) =>
    queryParameters.includes('status') ? [query, `${query}&status=failed`] : [query]
  const candidates = {
    limit: ['limit=50', 'limit=200'],
    cursor: [`cursor=${cursor}`],
    status: ['status=failed', `status=failed&cursor=${cursor}`],
    createdAfter: [`createdAfter=${late}`],
    createdBefore: [`createdBefore=${addSeconds(BEGAN, 5)}`],
    addonId: withStatus(`addonId=${ids.addonId}`),
    tenantId: withStatus(`tenantId=${ids.tenantId}`),
    eventType: ['eventType=addon.created'],
    label: ['label=app:shop', 'label=n:7', 'label=app:shop&label=n:7'],
  }
  const unknown = queryParameters.filter((name) => !(name in candidates))
  expect(unknown, `filters of ${path} that this test does not know`).toEqual([])
  return ['', ...queryParameters.flatMap((name) => candidates[name as keyof typeof candidates])]
}

/** In order of positions and of numbers, whose indexes are for whole lists, resources and add-ons: rare types and actions are searched for. */
const LEFT_OUT: readonly string[] = ['listEvents', 'listAuditLog']

/** Also of what is sorted. A page of 200, what lies within the slack of ids around a moment, and what a rare label picks out of a common one. */
const ROWS_MAX = 1500

test('a page of any list by each of its filters is read by indexes alone, and touches no more rows however many there are', async () => {
  const { connection, pool } = await freshMetadata('undrop_api')
  const seen = explainer(pool)
  const api = await startApi({ dbOf: (scope) => scopedDb(pool, scope), unscopedDb: openDb(pool) })
  const db = scopedDb(pool, 'every-tenant')
  const { id: tenantId, client } = await api.newTenant(SCOPES)
  const addon = await availableAddon(db, client)
  const { endpointId } = await crowd(db, tenantId, addon)
  const migrator = openPool({ ...connection, role: 'undrop_migrator' }, 1)
  onTestFinished(() => migrator.end())
  await migrator.query('analyze')

  const ids = { tenantId, addonId: addon.id, endpointId }
  const faults = new Set<string>()
  for (const operation of await documentedOperations()) {
    if (!operation.queryParameters.includes('cursor') || LEFT_OUT.includes(operation.id)) continue
    for (const query of queriesOf(operation, ids)) {
      for (const call of operation.platformOnly ? [api.platform] : [client, api.platform]) {
        const path = `${fill(operation.path, ids)}?${query}`
        seen.plans = []
        seen.explain = true
        const response = await call('GET', path)
        seen.explain = false
        const who = `${path} ${call === client ? 'by a tenant' : 'by the platform'}`
        expect(response.statusCode, `${who}: ${response.body}`).toBe(200)
        expect(response.json().data.length, who).toBeGreaterThan(0)
        expect(seen.plans.length, who).toBeGreaterThan(0)
        for (const { text, plan } of seen.plans) {
          for (const node of nodesOf(plan)) {
            const rows = node['Actual Loops'] * (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0))
            if (node['Node Type'] === 'Seq Scan' || rows > ROWS_MAX)
              faults.add(`${who}: ${node['Node Type']}, ${rows} rows
${text}
${brief(plan)}`)
          }
        }
      }
    }
  }
  expect([...faults].join('\n\n')).toBe('')
}, 180_000)
