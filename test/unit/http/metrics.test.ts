import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { fleetMetrics } from '../../../src/http/fleet-metrics.ts'
import { fleetReader } from '../../../src/services/read-fleet.ts'
import { httpMetrics } from '../../../src/telemetry/http-metrics.ts'
import { metricsText } from '../../../src/telemetry/metrics.ts'
import { operationMetrics } from '../../../src/telemetry/operation-metrics.ts'
import { processMetrics } from '../../../src/telemetry/process-metrics.ts'

const fleet = {
  addons: [],
  stalled: [],
  archives: {
    lagSeconds: 0,
    lagging: 0,
    unwatchedSeconds: 0,
    backupAgeSeconds: 0,
    backupsOverdue: 0,
    gaps: 0,
    storedBytes: 0,
    kept: 0,
  },
  operationsOpen: [],
  operationsOverdue: 0,
  drills: { oldestSuccessSeconds: null, failed: 0 },
  webhooks: { backlogSeconds: 0, pending: 0, disabled: [] },
  observations: [],
}

const page = (name: string) => readFile(`${import.meta.dirname}/../../../docs/operations/${name}`, 'utf8')

function processNames(): string[] {
  const pool = { totalCount: 0, idleCount: 0, waitingCount: 0 }
  const registry = processMetrics({ pool, queue: async () => ({}) })
  httpMetrics(registry)
  operationMetrics(registry)
  return registry.getMetricsAsArray().map(({ name }) => name)
}

const metricNames = () => [
  ...fleetMetrics(fleet).map(({ name }) => name),
  'undrop_metadata_reachable',
  ...processNames(),
]

test('every metric is documented, and has an alert', async () => {
  const [text, alerts] = await Promise.all([page('metrics.md'), page('alerts.yml')])
  const names = metricNames().filter((name) => name.startsWith('undrop_'))
  const documented = [...text.matchAll(/^\| `(undrop_\w+)`/gm)].map(([, name]) => name)
  expect(documented.sort()).toEqual(names.sort())
  for (const name of names) expect(alerts, name).toContain(name)
})

test('no alert waits for a metric that does not exist', async () => {
  const known = new Set(metricNames().flatMap((name) => [name, `${name}_bucket`, `${name}_count`]))
  const expressions = [...(await page('alerts.yml')).matchAll(/^ +expr: (.*)$/gm)].map(
    ([, text = '']) => text,
  )
  const asked = expressions.flatMap((text) => text.match(/\b(?:undrop|nodejs)_\w+/g) ?? [])
  expect(asked.length).toBeGreaterThan(20)
  expect(asked.filter((name) => !known.has(name))).toEqual([])
})

test('what nobody has seen is left out, and not said to be 0', async () => {
  const text = await metricsText(fleetMetrics(fleet))
  expect(text).toContain('undrop_operations_overdue 0')
  for (const name of ['undrop_store_reachable', 'undrop_archives_unowned', 'undrop_drill_age_seconds'])
    expect(text).not.toContain(name)
})

test('the time to the end of a certificate has gone on since a worker has looked', async () => {
  const observations = [
    { name: 'certificate_expires_seconds', value: 1000, ageSeconds: 10 },
    { name: 'authority_expires_seconds', value: 5000, ageSeconds: 20 },
  ] as const
  const text = await metricsText(fleetMetrics({ ...fleet, observations: [...observations] }))
  expect(text).toContain('undrop_certificate_expires_seconds{of="server"} 990')
  expect(text).toContain('undrop_certificate_expires_seconds{of="authority"} 4980')
})

test('the fleet is read once in five seconds, and again after a failure', async () => {
  let [now, reads] = [0, 0]
  const read = () => {
    reads += 1
    return reads === 1 ? Promise.reject(new Error('the database is away')) : Promise.resolve(fleet)
  }
  const readFleet = fleetReader(read, () => now)
  await expect(readFleet()).rejects.toThrow('away')
  await readFleet()
  now += 4999
  await readFleet()
  expect(reads).toBe(2)
  now += 1
  await readFleet()
  expect(reads).toBe(3)
})
