import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { readRestore } from '../../../services/read-restores.ts'
import { problems } from '../../schemas/problem.ts'
import { restoreParams, restoreSchema } from '../../schemas/restore.ts'
import { needs } from '../../security.ts'

/** GET /v1/restores/:restoreId */
export const getRestoreRoute: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/restores/:restoreId',
    {
      schema: {
        operationId: 'getRestore',
        summary: 'Get a restore',
        tags: ['Restores'],
        security: needs('addons:read'),
        params: restoreParams,
        response: { 200: restoreSchema, ...problems(401, 404, 500) },
      },
    },
    (request) => readRestore(request.deps, request.caller, request.params.restoreId),
  )
}
