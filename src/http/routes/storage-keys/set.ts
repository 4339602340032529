import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { setStorageKeys } from '../../../services/set-storage-keys.ts'
import { problems } from '../../schemas/problem.ts'
import { checkedStorageKeysSchema, newStorageKeysSchema } from '../../schemas/storage-keys.ts'
import { tenantParams } from '../../schemas/tenant.ts'
import { needs } from '../../security.ts'

/** PUT /v1/tenants/:tenantId/storage-keys */
export const setStorageKeysRoute: FastifyPluginAsyncZod = async (app) => {
  app.put(
    '/tenants/:tenantId/storage-keys',
    {
      config: { ifMatch: true },
      schema: {
        operationId: 'setStorageKeys',
        summary: 'Give a tenant keys of the object store of its own',
        description:
          'The keys are tried first, below the prefix of the tenant. From then on the servers of the tenant use them; ' +
          'Undrop itself goes on with its own.',
        tags: ['Tenants'],
        security: needs('admin'),
        params: tenantParams,
        body: newStorageKeysSchema,
        response: {
          200: checkedStorageKeysSchema,
          ...problems(400, 401, 403, 404, 409, 413, 415, 422, 500, 503),
        },
      },
    },
    ({ deps, caller, params, body: { readOnly = null, ...readWrite } }) =>
      setStorageKeys(deps, caller, params.tenantId, { readWrite, readOnly }),
  )
}
