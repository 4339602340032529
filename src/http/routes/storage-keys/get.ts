import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { readStorageKeys } from '../../../services/read-storage-keys.ts'
import { problems } from '../../schemas/problem.ts'
import { storageKeysSchema } from '../../schemas/storage-keys.ts'
import { tenantParams } from '../../schemas/tenant.ts'
import { needs } from '../../security.ts'

/** GET /v1/tenants/:tenantId/storage-keys */
export const getStorageKeysRoute: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/tenants/:tenantId/storage-keys',
    {
      schema: {
        operationId: 'getStorageKeys',
        summary: 'Get which keys of the object store a tenant has',
        tags: ['Tenants'],
        security: needs('admin'),
        params: tenantParams,
        response: { 200: storageKeysSchema, ...problems(401, 403, 404, 500) },
      },
    },
    (request) => readStorageKeys(request.deps, request.caller, request.params.tenantId),
  )
}
