import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { replayFailedWebhookDeliveries } from '../../../services/replay-webhook-deliveries.ts'
import { problems } from '../../schemas/problem.ts'
import { webhookReplayedSchema, webhookReplaySchema } from '../../schemas/webhook-delivery.ts'
import { webhookEndpointParams } from '../../schemas/webhook-endpoint.ts'
import { needs } from '../../security.ts'

/** POST /v1/webhook-endpoints/:endpointId/replay */
export const replayFailedWebhookDeliveriesRoute: FastifyPluginAsyncZod = async (app) => {
  app.post(
    '/webhook-endpoints/:endpointId/replay',
    {
      schema: {
        operationId: 'replayFailedWebhookDeliveries',
        summary: 'Send all failed deliveries of a webhook endpoint again',
        tags: ['Webhooks'],
        security: needs('webhooks:write'),
        params: webhookEndpointParams,
        body: webhookReplaySchema,
        response: { 202: webhookReplayedSchema, ...problems(400, 401, 403, 404, 413, 415, 500) },
      },
    },
    async (request, reply) => {
      const { endpointId } = request.params
      const { since } = request.body
      const done = await replayFailedWebhookDeliveries(request.deps, request.caller, endpointId, since)
      return reply.code(202).send(done)
    },
  )
}
