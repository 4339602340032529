import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { readWebhookDelivery } from '../../../services/read-webhook-deliveries.ts'
import { problems } from '../../schemas/problem.ts'
import { webhookDeliveryParams, webhookDeliverySchema } from '../../schemas/webhook-delivery.ts'
import { needs } from '../../security.ts'

/** GET /v1/webhook-endpoints/:endpointId/deliveries/:deliveryId */
export const getWebhookDeliveryRoute: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/webhook-endpoints/:endpointId/deliveries/:deliveryId',
    {
      schema: {
        operationId: 'getWebhookDelivery',
        summary: 'Get a delivery of a webhook endpoint',
        tags: ['Webhooks'],
        security: needs('webhooks:write'),
        params: webhookDeliveryParams,
        response: { 200: webhookDeliverySchema, ...problems(401, 403, 404, 500) },
      },
    },
    (request) => {
      const { endpointId, deliveryId } = request.params
      return readWebhookDelivery(request.deps, request.caller, endpointId, deliveryId)
    },
  )
}
