import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { updateTenant } from '../../../services/update-tenant.ts'
import { problems } from '../../schemas/problem.ts'
import {
  maxConcurrentOperations,
  tenantBackupPolicy,
  tenantParams,
  tenantQuotas,
  tenantSchema,
} from '../../schemas/tenant.ts'
import { displayName } from '../../schemas/text.ts'
import { platformKeyOnly } from '../../security.ts'

const body = z
  .strictObject({
    name: displayName.optional(),
    maxConcurrentOperations: maxConcurrentOperations.optional(),
    backupPolicy: tenantBackupPolicy.optional(),
    quotas: tenantQuotas.optional(),
  })
  .meta({ id: 'TenantChange', examples: [{ maxConcurrentOperations: 8 }] })

/** PATCH /v1/tenants/:tenantId */
export const updateTenantRoute: FastifyPluginAsyncZod = async (app) => {
  app.patch(
    '/tenants/:tenantId',
    {
      config: { ifMatch: true },
      schema: {
        operationId: 'updateTenant',
        summary: 'Change a tenant',
        description:
          'Fields that are not given stay as they are; the backup policy and the quotas are replaced as a whole.',
        tags: ['Tenants'],
        security: platformKeyOnly,
        params: tenantParams,
        body,
        response: { 200: tenantSchema, ...problems(400, 401, 403, 404, 413, 415, 500) },
      },
    },
    (request) => updateTenant(request.deps, request.caller, request.params.tenantId, request.body),
  )
}
