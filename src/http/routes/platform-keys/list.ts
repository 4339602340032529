import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { readApiKeys } from '../../../services/read-api-keys.ts'
import { apiKeyPageSchema } from '../../schemas/api-key.ts'
import { pageQuery, sliceOf } from '../../schemas/page.ts'
import { problems } from '../../schemas/problem.ts'
import { platformKeyOnly } from '../../security.ts'

/** GET /v1/platform-keys */
export const listPlatformKeysRoute: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/platform-keys',
    {
      schema: {
        operationId: 'listPlatformKeys',
        summary: 'List the keys of the platform',
        description: 'All but the configured one.',
        tags: ['Platform keys'],
        security: platformKeyOnly,
        querystring: z.strictObject(pageQuery('apiKey')),
        response: { 200: apiKeyPageSchema, ...problems(400, 401, 403, 500) },
      },
    },
    ({ deps, caller, query }) => readApiKeys(deps, caller, 'platform', sliceOf(query)),
  )
}
