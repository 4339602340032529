import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { deleteWebhookEndpoint } from '../../../services/delete-webhook-endpoint.ts'
import { problems } from '../../schemas/problem.ts'
import { webhookEndpointParams } from '../../schemas/webhook-endpoint.ts'
import { needs } from '../../security.ts'

/** DELETE /v1/webhook-endpoints/:endpointId */
export const deleteWebhookEndpointRoute: FastifyPluginAsyncZod = async (app) => {
  app.delete(
    '/webhook-endpoints/:endpointId',
    {
      config: { ifMatch: true },
      schema: {
        operationId: 'deleteWebhookEndpoint',
        summary: 'Delete a webhook endpoint and its deliveries',
        tags: ['Webhooks'],
        security: needs('webhooks:write'),
        params: webhookEndpointParams,
        response: { 204: z.null().describe('Deleted'), ...problems(400, 401, 403, 404, 413, 415, 500) },
      },
    },
    async (request, reply) => {
      await deleteWebhookEndpoint(request.deps, request.caller, request.params.endpointId)
      return reply.code(204).send(null)
    },
  )
}
