import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { readRestore } from '../../../services/read-restores.ts'
import { problems } from '../../schemas/problem.ts'
import { restoreParams, restoreSchema } from '../../schemas/restore.ts'
import { anyKey } from '../../security.ts'
import type { ServerDeps } from '../../server-deps.ts'

/** GET /v1/restores/:restoreId */
export const getRestoreRoute: FastifyPluginAsyncZod<{ deps: ServerDeps }> = async (app, { deps }) => {
  app.get(
    '/restores/:restoreId',
    {
      schema: {
        operationId: 'getRestore',
        summary: 'Get a restore',
        tags: ['Restores'],
        security: anyKey,
        params: restoreParams,
        response: { 200: restoreSchema, ...problems(401, 404, 500) },
      },
    },
    (request) => readRestore(deps, request.caller, request.params.restoreId),
  )
}
