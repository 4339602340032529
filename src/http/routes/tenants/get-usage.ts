import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { readUsage } from '../../../services/read-usage.ts'
import { problems } from '../../schemas/problem.ts'
import { tenantParams } from '../../schemas/tenant.ts'
import { tenantUsageSchema } from '../../schemas/tenant-usage.ts'
import { needs } from '../../security.ts'

/** GET /v1/tenants/:tenantId/usage */
export const getTenantUsageRoute: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/tenants/:tenantId/usage',
    {
      schema: {
        operationId: 'getTenantUsage',
        summary: 'Show what a tenant uses of its quotas',
        tags: ['Tenants'],
        security: needs('addons:read'),
        params: tenantParams,
        response: { 200: tenantUsageSchema, ...problems(401, 403, 404, 500) },
      },
    },
    (request) => readUsage(request.deps, request.caller, request.params.tenantId),
  )
}
