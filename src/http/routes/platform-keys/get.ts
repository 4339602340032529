import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { readApiKey } from '../../../services/read-api-keys.ts'
import { apiKeySchema, platformKeyParams } from '../../schemas/api-key.ts'
import { problems } from '../../schemas/problem.ts'
import { platformKeyOnly } from '../../security.ts'

/** GET /v1/platform-keys/:platformKeyId */
export const getPlatformKeyRoute: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/platform-keys/:platformKeyId',
    {
      schema: {
        operationId: 'getPlatformKey',
        summary: 'Get a key of the platform',
        tags: ['Platform keys'],
        security: platformKeyOnly,
        params: platformKeyParams,
        response: { 200: apiKeySchema, ...problems(401, 403, 404, 500) },
      },
    },
    ({ deps, caller, params }) => readApiKey(deps, caller, 'platform', params.platformKeyId),
  )
}
