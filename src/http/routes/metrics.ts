import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { readFleetOf } from '../../services/read-fleet.ts'
import { METRICS_MEDIA_TYPE, metricsText } from '../../telemetry/metrics.ts'
import { fleetMetrics } from '../fleet-metrics.ts'
import type { ServerDeps } from '../server-deps.ts'

/** GET /metrics: how the whole fleet is, for Prometheus. Like the health checks it needs no key, and names no tenant. */
export const metrics: FastifyPluginAsyncZod<{ deps: ServerDeps }> = async (app, { deps }) => {
  const readFleet = readFleetOf(deps)
  app.get('/metrics', { schema: { hide: true } }, async (_request, reply) => {
    const text = await metricsText(fleetMetrics(await readFleet()))
    return reply.type(METRICS_MEDIA_TYPE).send(text)
  })
}
