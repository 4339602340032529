import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { readFleetOf } from '../../services/read-fleet.ts'
import { METRICS_MEDIA_TYPE, metricsText } from '../../telemetry/metrics.ts'
import { fleetMetrics } from '../fleet-metrics.ts'
import type { ServerDeps } from '../server-deps.ts'

/** GET /metrics: how the whole fleet is, for Prometheus. Like the health checks it needs no key, and names no tenant. */
export const metrics: FastifyPluginAsyncZod<{ deps: ServerDeps }> = async (app, { deps }) => {
  const readFleet = readFleetOf(deps)
  app.get('/metrics', { schema: { hide: true } }, async (request, reply) => {
    const reachable = (value: number) => ({
      name: 'undrop_metadata_reachable',
      help: '1 while the fleet can be read from the metadata database',
      values: [{ value }],
    })
    // What tells of an outage is not to go with it.
    const fleet = await readFleet().then(
      (read) => [...fleetMetrics(read), reachable(1)],
      (err: unknown) => {
        request.log.warn({ err }, 'the fleet cannot be read')
        return [reachable(0)]
      },
    )
    const texts = [await metricsText(fleet), await deps.processMetrics?.()]
    return reply.type(METRICS_MEDIA_TYPE).send(texts.join('\n'))
  })
}
