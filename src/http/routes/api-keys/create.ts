import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { momentText } from '../../../domain/target.ts'
import { createApiKey } from '../../../services/create-api-key.ts'
import { newApiKeySchema } from '../../schemas/api-key.ts'
import { problems } from '../../schemas/problem.ts'
import { tenantParams } from '../../schemas/tenant.ts'
import { displayName } from '../../schemas/text.ts'
import { platformKeyOnly } from '../../security.ts'
import type { ServerDeps } from '../../server-deps.ts'

const body = z
  .strictObject({ name: displayName, expiresAt: momentText.optional() })
  .meta({ id: 'NewApiKeyRequest', examples: [{ name: 'deploy', expiresAt: '2027-01-01T00:00:00Z' }] })

/** POST /v1/tenants/:tenantId/api-keys */
export const createApiKeyRoute: FastifyPluginAsyncZod<{ deps: ServerDeps }> = async (app, { deps }) => {
  app.post(
    '/tenants/:tenantId/api-keys',
    {
      schema: {
        operationId: 'createApiKey',
        summary: 'Create an API key of a tenant',
        description: 'The only answer that holds the secret.',
        tags: ['API keys'],
        security: platformKeyOnly,
        params: tenantParams,
        body,
        response: { 201: newApiKeySchema, ...problems(400, 401, 403, 404, 413, 415, 500) },
      },
    },
    async (request, reply) => {
      const key = await createApiKey(deps, request.caller, request.params.tenantId, request.body)
      return reply.code(201).send(key)
    },
  )
}
