import { Histogram, type Registry } from 'prom-client'

export interface ServedRequest {
  method: string
  /** The pattern, which names no id. */
  route: string
  status: number
  seconds: number
}

const BUCKETS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Notes how long requests take, by route and class of status. */
export function httpMetrics(registry: Registry): (served: ServedRequest) => void {
  const seconds = new Histogram({
    name: 'undrop_http_request_seconds',
    help: 'From the head of a request to the end of its answer',
    labelNames: ['method', 'route', 'status'],
    buckets: BUCKETS_SECONDS,
    registers: [registry],
  })
  return ({ method, route, status, seconds: taken }) =>
    seconds.observe({ method, route, status: `${Math.floor(status / 100)}xx` }, taken)
}
