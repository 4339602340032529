import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { momentText } from '../../../domain/target.ts'
import { updateApiKey } from '../../../services/update-api-key.ts'
import { apiKeySchema, scopes, tenantKeyParams } from '../../schemas/api-key.ts'
import { problems } from '../../schemas/problem.ts'
import { displayName } from '../../schemas/text.ts'
import { needs } from '../../security.ts'

const body = z
  .strictObject({
    name: displayName.optional(),
    scopes: scopes.optional(),
    expiresAt: momentText.nullable().optional().describe('Null for never'),
  })
  .meta({ id: 'ApiKeyChange', examples: [{ name: 'dashboard', scopes: ['addons:read'] }] })

/** PATCH /v1/tenants/:tenantId/api-keys/:apiKeyId */
export const updateApiKeyRoute: FastifyPluginAsyncZod = async (app) => {
  app.patch(
    '/tenants/:tenantId/api-keys/:apiKeyId',
    {
      config: { ifMatch: true },
      schema: {
        operationId: 'updateApiKey',
        summary: 'Change an API key of a tenant',
        description:
          'Fields that are not given stay as they are; scopes are replaced as a whole. No key is given a scope that ' +
          'the calling key lacks, or a later end. What is changed holds from the next request on.',
        tags: ['API keys'],
        security: needs('admin'),
        params: tenantKeyParams,
        body,
        response: { 200: apiKeySchema, ...problems(400, 401, 403, 404, 409, 413, 415, 500) },
      },
    },
    ({ deps, caller, params, body }) => updateApiKey(deps, caller, params, params.apiKeyId, body),
  )
}
