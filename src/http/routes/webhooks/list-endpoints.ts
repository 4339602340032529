import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { readWebhookEndpoints } from '../../../services/read-webhook-endpoints.ts'
import { pageQuery, pageSchema, sliceOf } from '../../schemas/page.ts'
import { problems } from '../../schemas/problem.ts'
import { webhookEndpointSchema } from '../../schemas/webhook-endpoint.ts'
import { needs } from '../../security.ts'

const querystring = z.strictObject({ ...pageQuery('webhookEndpoint'), tenantId: z.string().optional() })

/** GET /v1/webhook-endpoints */
export const listWebhookEndpointsRoute: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/webhook-endpoints',
    {
      schema: {
        operationId: 'listWebhookEndpoints',
        summary: 'List webhook endpoints',
        tags: ['Webhooks'],
        security: needs('webhooks:write'),
        querystring,
        response: {
          200: pageSchema('WebhookEndpointPage', webhookEndpointSchema),
          ...problems(400, 401, 403, 404, 500),
        },
      },
    },
    (request) =>
      readWebhookEndpoints(request.deps, request.caller, request.query.tenantId, sliceOf(request.query)),
  )
}
