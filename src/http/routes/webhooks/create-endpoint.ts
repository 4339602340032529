import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { createWebhookEndpoint } from '../../../services/create-webhook-endpoint.ts'
import { problems } from '../../schemas/problem.ts'
import { createdWebhookEndpointSchema, newWebhookEndpointSchema } from '../../schemas/webhook-endpoint.ts'
import { needs } from '../../security.ts'

/** POST /v1/webhook-endpoints */
export const createWebhookEndpointRoute: FastifyPluginAsyncZod = async (app) => {
  app.post(
    '/webhook-endpoints',
    {
      schema: {
        operationId: 'createWebhookEndpoint',
        summary: 'Create a webhook endpoint',
        description: 'It is told of the events from now on. The only answer that holds the secret.',
        tags: ['Webhooks'],
        security: needs('webhooks:write'),
        body: newWebhookEndpointSchema,
        response: {
          201: createdWebhookEndpointSchema,
          ...problems(400, 401, 403, 404, 409, 413, 415, 422, 500),
        },
      },
    },
    async (request, reply) => {
      const endpoint = await createWebhookEndpoint(request.deps, request.caller, request.body)
      return reply.code(201).header('location', `/v1/webhook-endpoints/${endpoint.id}`).send(endpoint)
    },
  )
}
