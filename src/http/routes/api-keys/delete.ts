import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { revokeApiKey } from '../../../services/revoke-api-key.ts'
import { tenantKeyParams } from '../../schemas/api-key.ts'
import { problems } from '../../schemas/problem.ts'
import { needs } from '../../security.ts'

/** DELETE /v1/tenants/:tenantId/api-keys/:apiKeyId */
export const revokeApiKeyRoute: FastifyPluginAsyncZod = async (app) => {
  app.delete(
    '/tenants/:tenantId/api-keys/:apiKeyId',
    {
      config: { ifMatch: true },
      schema: {
        operationId: 'revokeApiKey',
        summary: 'Revoke an API key',
        description: 'It is refused from the next request on.',
        tags: ['API keys'],
        security: needs('admin'),
        params: tenantKeyParams,
        response: { 204: z.null().describe('Revoked'), ...problems(400, 401, 403, 404, 413, 415, 500) },
      },
    },
    async (request, reply) => {
      const { deps, caller, params } = request
      await revokeApiKey(deps, caller, params, params.apiKeyId)
      return reply.code(204).send(null)
    },
  )
}
