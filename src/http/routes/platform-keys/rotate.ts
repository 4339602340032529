import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { rotateApiKey } from '../../../services/rotate-api-key.ts'
import { newApiKeySchema, platformKeyParams, rotationSchema } from '../../schemas/api-key.ts'
import { problems } from '../../schemas/problem.ts'
import { platformKeyOnly } from '../../security.ts'

/** POST /v1/platform-keys/:platformKeyId/rotate */
export const rotatePlatformKeyRoute: FastifyPluginAsyncZod = async (app) => {
  app.post(
    '/platform-keys/:platformKeyId/rotate',
    {
      schema: {
        operationId: 'rotatePlatformKey',
        summary: 'Replace a key of the platform by a new one',
        description:
          'The new key has the name of the old one, which goes on working for the overlap. ' +
          'The only answer that holds the new secret.',
        tags: ['Platform keys'],
        security: platformKeyOnly,
        params: platformKeyParams,
        body: rotationSchema,
        response: { 201: newApiKeySchema, ...problems(400, 401, 403, 404, 409, 413, 415, 500) },
      },
    },
    async ({ deps, caller, params, body }, reply) => {
      const key = await rotateApiKey(deps, caller, 'platform', params.platformKeyId, body)
      return reply.code(201).header('location', `/v1/platform-keys/${key.id}`).send(key)
    },
  )
}
