import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { readApiKeys } from '../../../services/read-api-keys.ts'
import { apiKeyPageSchema } from '../../schemas/api-key.ts'
import { pageQuery, sliceOf } from '../../schemas/page.ts'
import { problems } from '../../schemas/problem.ts'
import { tenantParams } from '../../schemas/tenant.ts'
import { needs } from '../../security.ts'

/** GET /v1/tenants/:tenantId/api-keys */
export const listApiKeysRoute: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/tenants/:tenantId/api-keys',
    {
      schema: {
        operationId: 'listApiKeys',
        summary: 'List the API keys of a tenant',
        tags: ['API keys'],
        security: needs('admin'),
        params: tenantParams,
        querystring: z.strictObject(pageQuery('apiKey')),
        response: { 200: apiKeyPageSchema, ...problems(400, 401, 403, 404, 500) },
      },
    },
    (request) => readApiKeys(request.deps, request.caller, request.params, sliceOf(request.query)),
  )
}
