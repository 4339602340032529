import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { removeStorageKeys } from '../../../services/remove-storage-keys.ts'
import { problems } from '../../schemas/problem.ts'
import { tenantParams } from '../../schemas/tenant.ts'
import { needs } from '../../security.ts'

/** DELETE /v1/tenants/:tenantId/storage-keys */
export const deleteStorageKeysRoute: FastifyPluginAsyncZod = async (app) => {
  app.delete(
    '/tenants/:tenantId/storage-keys',
    {
      config: { ifMatch: true },
      schema: {
        operationId: 'deleteStorageKeys',
        summary: 'Have a tenant use the keys of Undrop itself again',
        tags: ['Tenants'],
        security: needs('admin'),
        params: tenantParams,
        response: {
          204: z.null().describe('Removed, or there were none'),
          ...problems(400, 401, 403, 404, 413, 415, 500),
        },
      },
    },
    async (request, reply) => {
      await removeStorageKeys(request.deps, request.caller, request.params.tenantId)
      return reply.code(204).send(null)
    },
  )
}
