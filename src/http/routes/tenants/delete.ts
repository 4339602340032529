import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { deleteTenant } from '../../../services/delete-tenant.ts'
import { problems } from '../../schemas/problem.ts'
import { tenantParams } from '../../schemas/tenant.ts'
import { platformKeyOnly } from '../../security.ts'

/** DELETE /v1/tenants/:tenantId */
export const deleteTenantRoute: FastifyPluginAsyncZod = async (app) => {
  app.delete(
    '/tenants/:tenantId',
    {
      config: { ifMatch: true },
      schema: {
        operationId: 'deleteTenant',
        summary: 'Delete a tenant that has no add-ons',
        tags: ['Tenants'],
        security: platformKeyOnly,
        params: tenantParams,
        response: {
          204: z.null().describe('Deleted, and its API keys with it'),
          ...problems(400, 401, 403, 404, 409, 413, 415, 500),
        },
      },
    },
    async (request, reply) => {
      await deleteTenant(request.deps, request.caller, request.params.tenantId)
      return reply.code(204).send(null)
    },
  )
}
