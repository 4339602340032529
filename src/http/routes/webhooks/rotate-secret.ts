import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { rotateWebhookSecret } from '../../../services/rotate-webhook-secret.ts'
import { problems } from '../../schemas/problem.ts'
import {
  webhookEndpointParams,
  webhookSecretRotationSchema,
  webhookSecretSchema,
} from '../../schemas/webhook-endpoint.ts'
import { needs } from '../../security.ts'

/** POST /v1/webhook-endpoints/:endpointId/secrets */
export const rotateWebhookSecretRoute: FastifyPluginAsyncZod = async (app) => {
  app.post(
    '/webhook-endpoints/:endpointId/secrets',
    {
      schema: {
        operationId: 'rotateWebhookSecret',
        summary: 'Give a webhook endpoint a new secret',
        description:
          'The earlier ones sign beside it for the overlap. The only answer that holds the new secret.',
        tags: ['Webhooks'],
        security: needs('webhooks:write'),
        params: webhookEndpointParams,
        body: webhookSecretRotationSchema.optional(),
        response: { 201: webhookSecretSchema, ...problems(400, 401, 403, 404, 413, 415, 500) },
      },
    },
    async (request, reply) => {
      const { endpointId } = request.params
      const overlapSeconds = request.body?.overlapSeconds
      const made = await rotateWebhookSecret(request.deps, request.caller, endpointId, overlapSeconds)
      return reply.code(201).send(made)
    },
  )
}
