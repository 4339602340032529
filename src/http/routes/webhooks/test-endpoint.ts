import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { testWebhookEndpoint } from '../../../services/test-webhook-endpoint.ts'
import { problems } from '../../schemas/problem.ts'
import { webhookDeliverySchema } from '../../schemas/webhook-delivery.ts'
import { webhookEndpointParams } from '../../schemas/webhook-endpoint.ts'
import { needs } from '../../security.ts'

/** POST /v1/webhook-endpoints/:endpointId/test */
export const testWebhookEndpointRoute: FastifyPluginAsyncZod = async (app) => {
  app.post(
    '/webhook-endpoints/:endpointId/test',
    {
      schema: {
        operationId: 'testWebhookEndpoint',
        summary: 'Send a test event to a webhook endpoint',
        description:
          'An event of the type `webhook.test`, to this endpoint alone, whatever types it asks for.',
        tags: ['Webhooks'],
        security: needs('webhooks:write'),
        params: webhookEndpointParams,
        response: { 202: webhookDeliverySchema, ...problems(400, 401, 403, 404, 413, 415, 500) },
      },
    },
    async (request, reply) => {
      const { endpointId } = request.params
      const delivery = await testWebhookEndpoint(request.deps, request.caller, endpointId)
      return reply.code(202).send(delivery)
    },
  )
}
