import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { momentText } from '../../../domain/target.ts'
import { createApiKey } from '../../../services/create-api-key.ts'
import { newApiKeySchema, scopes } from '../../schemas/api-key.ts'
import { problems } from '../../schemas/problem.ts'
import { tenantParams } from '../../schemas/tenant.ts'
import { displayName } from '../../schemas/text.ts'
import { platformKeyOnly } from '../../security.ts'

const body = z
  .strictObject({ name: displayName, scopes: scopes.optional(), expiresAt: momentText.optional() })
  .meta({
    id: 'NewApiKeyRequest',
    examples: [
      { name: 'deploy', scopes: ['addons:read', 'restores:write'], expiresAt: '2027-01-01T00:00:00Z' },
    ],
  })

/** POST /v1/tenants/:tenantId/api-keys */
export const createApiKeyRoute: FastifyPluginAsyncZod = async (app) => {
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
      const key = await createApiKey(request.deps, request.caller, request.params.tenantId, request.body)
      return reply.code(201).send(key)
    },
  )
}
