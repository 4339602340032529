import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { readTenants } from '../../../services/read-tenants.ts'
import { pageQuery, pageSchema, sliceOf } from '../../schemas/page.ts'
import { problems } from '../../schemas/problem.ts'
import { tenantSchema } from '../../schemas/tenant.ts'
import { platformKeyOnly } from '../../security.ts'

/** GET /v1/tenants */
export const listTenantsRoute: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/tenants',
    {
      schema: {
        operationId: 'listTenants',
        summary: 'List tenants',
        tags: ['Tenants'],
        security: platformKeyOnly,
        querystring: z.strictObject(pageQuery('tenant')),
        response: { 200: pageSchema('TenantPage', tenantSchema), ...problems(400, 401, 403, 500) },
      },
    },
    (request) => readTenants(request.deps, sliceOf(request.query)),
  )
}
