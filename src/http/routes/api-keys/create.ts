import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { momentText } from '../../../domain/target.ts'
import { createApiKey } from '../../../services/create-api-key.ts'
import { newApiKeySchema, scopes } from '../../schemas/api-key.ts'
import { problems } from '../../schemas/problem.ts'
import { tenantParams } from '../../schemas/tenant.ts'
import { displayName } from '../../schemas/text.ts'
import { needs } from '../../security.ts'

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
        description:
          'The only answer that holds the secret. No key is given a scope that the calling key lacks, or a later end.',
        tags: ['API keys'],
        security: needs('admin'),
        params: tenantParams,
        body,
        response: { 201: newApiKeySchema, ...problems(400, 401, 403, 404, 413, 415, 500) },
      },
    },
    async (request, reply) => {
      const { deps, caller, params, body } = request
      const key = await createApiKey(deps, caller, params, body)
      return reply.code(201).header('location', `/v1/tenants/${key.tenantId}/api-keys/${key.id}`).send(key)
    },
  )
}
