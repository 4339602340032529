import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { readApiKey } from '../../../services/read-api-keys.ts'
import { apiKeySchema, tenantKeyParams } from '../../schemas/api-key.ts'
import { problems } from '../../schemas/problem.ts'
import { needs } from '../../security.ts'

/** GET /v1/tenants/:tenantId/api-keys/:apiKeyId */
export const getApiKeyRoute: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/tenants/:tenantId/api-keys/:apiKeyId',
    {
      schema: {
        operationId: 'getApiKey',
        summary: 'Get an API key of a tenant',
        tags: ['API keys'],
        security: needs('admin'),
        params: tenantKeyParams,
        response: { 200: apiKeySchema, ...problems(401, 403, 404, 500) },
      },
    },
    ({ deps, caller, params }) => readApiKey(deps, caller, params, params.apiKeyId),
  )
}
