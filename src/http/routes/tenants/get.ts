import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { readTenant } from '../../../services/read-tenants.ts'
import { problems } from '../../schemas/problem.ts'
import { tenantParams, tenantSchema } from '../../schemas/tenant.ts'
import { needs } from '../../security.ts'

/** GET /v1/tenants/:tenantId */
export const getTenantRoute: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/tenants/:tenantId',
    {
      schema: {
        operationId: 'getTenant',
        summary: 'Get a tenant',
        tags: ['Tenants'],
        security: needs('admin'),
        params: tenantParams,
        response: { 200: tenantSchema, ...problems(401, 403, 404, 500) },
      },
    },
    (request) => readTenant(request.deps, request.caller, request.params.tenantId),
  )
}
