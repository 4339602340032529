import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { momentText } from '../../../domain/target.ts'
import { createApiKey } from '../../../services/create-api-key.ts'
import { newApiKeySchema } from '../../schemas/api-key.ts'
import { problems } from '../../schemas/problem.ts'
import { displayName } from '../../schemas/text.ts'
import { platformKeyOnly } from '../../security.ts'

const body = z
  .strictObject({ name: displayName, expiresAt: momentText.optional() })
  .meta({ id: 'NewPlatformKeyRequest', examples: [{ name: 'dashboard' }] })

/** POST /v1/platform-keys */
export const createPlatformKeyRoute: FastifyPluginAsyncZod = async (app) => {
  app.post(
    '/platform-keys',
    {
      schema: {
        operationId: 'createPlatformKey',
        summary: 'Create a key of the platform',
        description:
          'Like the configured one it acts for every tenant. The only answer that holds the secret. No key lasts ' +
          'longer than the calling one.',
        tags: ['Platform keys'],
        security: platformKeyOnly,
        body,
        response: { 201: newApiKeySchema, ...problems(400, 401, 403, 413, 415, 500) },
      },
    },
    async ({ deps, caller, body }, reply) => {
      const key = await createApiKey(deps, caller, 'platform', body)
      return reply.code(201).header('location', `/v1/platform-keys/${key.id}`).send(key)
    },
  )
}
