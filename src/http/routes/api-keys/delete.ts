import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { revokeApiKey } from '../../../services/revoke-api-key.ts'
import { problems } from '../../schemas/problem.ts'
import { platformKeyOnly } from '../../security.ts'

/** DELETE /v1/tenants/:tenantId/api-keys/:apiKeyId */
export const revokeApiKeyRoute: FastifyPluginAsyncZod = async (app) => {
  app.delete(
    '/tenants/:tenantId/api-keys/:apiKeyId',
    {
      config: { ifMatch: true },
      schema: {
        operationId: 'revokeApiKey',
        summary: 'Revoke an API key',
        tags: ['API keys'],
        security: platformKeyOnly,
        params: z.object({ tenantId: z.string(), apiKeyId: z.string() }),
        response: { 204: z.null().describe('Revoked'), ...problems(400, 401, 403, 404, 413, 415, 500) },
      },
    },
    async (request, reply) => {
      const { tenantId, apiKeyId } = request.params
      await revokeApiKey(request.deps, request.caller, tenantId, apiKeyId)
      return reply.code(204).send(null)
    },
  )
}
