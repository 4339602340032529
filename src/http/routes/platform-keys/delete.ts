import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { revokeApiKey } from '../../../services/revoke-api-key.ts'
import { platformKeyParams } from '../../schemas/api-key.ts'
import { problems } from '../../schemas/problem.ts'
import { platformKeyOnly } from '../../security.ts'

/** DELETE /v1/platform-keys/:platformKeyId */
export const revokePlatformKeyRoute: FastifyPluginAsyncZod = async (app) => {
  app.delete(
    '/platform-keys/:platformKeyId',
    {
      config: { ifMatch: true },
      schema: {
        operationId: 'revokePlatformKey',
        summary: 'Revoke a key of the platform',
        description: 'It is refused from the next request on.',
        tags: ['Platform keys'],
        security: platformKeyOnly,
        params: platformKeyParams,
        response: { 204: z.null().describe('Revoked'), ...problems(400, 401, 403, 404, 413, 415, 500) },
      },
    },
    async ({ deps, caller, params }, reply) => {
      await revokeApiKey(deps, caller, 'platform', params.platformKeyId)
      return reply.code(204).send(null)
    },
  )
}
