import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { readApiKeys } from '../../../services/read-api-keys.ts'
import { apiKeySchema } from '../../schemas/api-key.ts'
import { pageQuery, pageSchema, sliceOf } from '../../schemas/page.ts'
import { problems } from '../../schemas/problem.ts'
import { tenantParams } from '../../schemas/tenant.ts'
import { platformKeyOnly } from '../../security.ts'

/** GET /v1/tenants/:tenantId/api-keys */
export const listApiKeysRoute: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/tenants/:tenantId/api-keys',
    {
      schema: {
        operationId: 'listApiKeys',
        summary: 'List the API keys of a tenant',
        tags: ['API keys'],
        security: platformKeyOnly,
        params: tenantParams,
        querystring: z.strictObject(pageQuery('apiKey')),
        response: { 200: pageSchema('ApiKeyPage', apiKeySchema), ...problems(400, 401, 403, 404, 500) },
      },
    },
    (request) => readApiKeys(request.deps, request.caller, request.params.tenantId, sliceOf(request.query)),
  )
}
