import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { replayWebhookDelivery } from '../../../services/replay-webhook-deliveries.ts'
import { problems } from '../../schemas/problem.ts'
import { webhookDeliveryParams, webhookDeliverySchema } from '../../schemas/webhook-delivery.ts'
import { needs } from '../../security.ts'

/** POST /v1/webhook-endpoints/:endpointId/deliveries/:deliveryId/replay */
export const replayWebhookDeliveryRoute: FastifyPluginAsyncZod = async (app) => {
  app.post(
    '/webhook-endpoints/:endpointId/deliveries/:deliveryId/replay',
    {
      schema: {
        operationId: 'replayWebhookDelivery',
        summary: 'Send a delivery again',
        description: 'With the same id and body, whether it has succeeded or failed.',
        tags: ['Webhooks'],
        security: needs('webhooks:write'),
        params: webhookDeliveryParams,
        response: { 202: webhookDeliverySchema, ...problems(400, 401, 403, 404, 413, 415, 500) },
      },
    },
    async (request, reply) => {
      const { endpointId, deliveryId } = request.params
      const delivery = await replayWebhookDelivery(request.deps, request.caller, endpointId, deliveryId)
      return reply.code(202).send(delivery)
    },
  )
}
