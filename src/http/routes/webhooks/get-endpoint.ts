import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { readWebhookEndpoint } from '../../../services/read-webhook-endpoints.ts'
import { problems } from '../../schemas/problem.ts'
import { webhookEndpointParams, webhookEndpointSchema } from '../../schemas/webhook-endpoint.ts'
import { needs } from '../../security.ts'

/** GET /v1/webhook-endpoints/:endpointId */
export const getWebhookEndpointRoute: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/webhook-endpoints/:endpointId',
    {
      schema: {
        operationId: 'getWebhookEndpoint',
        summary: 'Get a webhook endpoint',
        tags: ['Webhooks'],
        security: needs('webhooks:write'),
        params: webhookEndpointParams,
        response: { 200: webhookEndpointSchema, ...problems(401, 403, 404, 500) },
      },
    },
    (request) => readWebhookEndpoint(request.deps, request.caller, request.params.endpointId),
  )
}
