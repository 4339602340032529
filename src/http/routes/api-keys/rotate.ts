import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { rotateApiKey } from '../../../services/rotate-api-key.ts'
import { newApiKeySchema, rotationSchema, tenantKeyParams } from '../../schemas/api-key.ts'
import { problems } from '../../schemas/problem.ts'
import { needs } from '../../security.ts'

/** POST /v1/tenants/:tenantId/api-keys/:apiKeyId/rotate */
export const rotateApiKeyRoute: FastifyPluginAsyncZod = async (app) => {
  app.post(
    '/tenants/:tenantId/api-keys/:apiKeyId/rotate',
    {
      schema: {
        operationId: 'rotateApiKey',
        summary: 'Replace an API key by a new one',
        description:
          'The new key has the name and the scopes of the old one, which goes on working for the overlap. ' +
          'The only answer that holds the new secret.',
        tags: ['API keys'],
        security: needs('admin'),
        params: tenantKeyParams,
        body: rotationSchema,
        response: { 201: newApiKeySchema, ...problems(400, 401, 403, 404, 409, 413, 415, 500) },
      },
    },
    async ({ deps, caller, params, body }, reply) => {
      const key = await rotateApiKey(deps, caller, params, params.apiKeyId, body)
      return reply.code(201).header('location', `/v1/tenants/${key.tenantId}/api-keys/${key.id}`).send(key)
    },
  )
}
