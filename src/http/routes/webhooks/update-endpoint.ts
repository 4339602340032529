import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { updateWebhookEndpoint } from '../../../services/update-webhook-endpoint.ts'
import { problems } from '../../schemas/problem.ts'
import {
  webhookEndpointChangeSchema,
  webhookEndpointParams,
  webhookEndpointSchema,
} from '../../schemas/webhook-endpoint.ts'
import { needs } from '../../security.ts'

/** PATCH /v1/webhook-endpoints/:endpointId */
export const updateWebhookEndpointRoute: FastifyPluginAsyncZod = async (app) => {
  app.patch(
    '/webhook-endpoints/:endpointId',
    {
      config: { ifMatch: true },
      schema: {
        operationId: 'updateWebhookEndpoint',
        summary: 'Change a webhook endpoint',
        description: 'Fields that are not given stay as they are.',
        tags: ['Webhooks'],
        security: needs('webhooks:write'),
        params: webhookEndpointParams,
        body: webhookEndpointChangeSchema,
        response: { 200: webhookEndpointSchema, ...problems(400, 401, 403, 404, 413, 415, 422, 500) },
      },
    },
    (request) => updateWebhookEndpoint(request.deps, request.caller, request.params.endpointId, request.body),
  )
}
