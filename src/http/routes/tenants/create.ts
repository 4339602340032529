import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { createTenant } from '../../../services/create-tenant.ts'
import { problems } from '../../schemas/problem.ts'
import {
  maxConcurrentOperations,
  tenantBackupPolicy,
  tenantQuotas,
  tenantSchema,
} from '../../schemas/tenant.ts'
import { displayName } from '../../schemas/text.ts'
import { platformKeyOnly } from '../../security.ts'

const body = z
  .strictObject({
    name: displayName,
    maxConcurrentOperations: maxConcurrentOperations.optional(),
    backupPolicy: tenantBackupPolicy.optional(),
    quotas: tenantQuotas.optional(),
  })
  .meta({ id: 'NewTenant', examples: [{ name: 'Acme' }] })

/** POST /v1/tenants */
export const createTenantRoute: FastifyPluginAsyncZod = async (app) => {
  app.post(
    '/tenants',
    {
      schema: {
        operationId: 'createTenant',
        summary: 'Create a tenant',
        tags: ['Tenants'],
        security: platformKeyOnly,
        body,
        response: { 201: tenantSchema, ...problems(400, 401, 403, 413, 415, 500) },
      },
    },
    async (request, reply) => {
      const tenant = await createTenant(request.deps, request.caller, request.body)
      return reply.code(201).header('location', `/v1/tenants/${tenant.id}`).send(tenant)
    },
  )
}
