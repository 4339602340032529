import { Gauge, Registry } from 'prom-client'

/** One metric: its values with their labels. None names a tenant. */
export interface Metric {
  name: string
  /** What it counts or measures, with its unit. */
  help: string
  values: readonly { labels?: Readonly<Record<string, string>>; value: number }[]
}

export const METRICS_MEDIA_TYPE = Registry.PROMETHEUS_CONTENT_TYPE

/** Prometheus' text format. A metric without values is left out: its 0 would be a lie. */
export function metricsText(metrics: readonly Metric[]): Promise<string> {
  const registry = new Registry()
  for (const { name, help, values } of metrics) {
    if (values.length === 0) continue
    const labelNames = [...new Set(values.flatMap(({ labels }) => Object.keys(labels ?? {})))]
    const gauge = new Gauge({ name, help, labelNames, registers: [registry] })
    for (const { labels = {}, value } of values) gauge.set(labels, value)
  }
  return registry.metrics()
}
