import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { cancelRestore } from '../../../services/cancel-restore.ts'
import { problems } from '../../schemas/problem.ts'
import { restoreParams, restoreSchema } from '../../schemas/restore.ts'
import { anyKey } from '../../security.ts'
import type { ServerDeps } from '../../server-deps.ts'

/** POST /v1/restores/:restoreId/cancel */
export const cancelRestoreRoute: FastifyPluginAsyncZod<{ deps: ServerDeps }> = async (app, { deps }) => {
  app.post(
    '/restores/:restoreId/cancel',
    {
      schema: {
        operationId: 'cancelRestore',
        summary: 'Cancel a restore and dismantle what it has made',
        tags: ['Restores'],
        security: anyKey,
        params: restoreParams,
        response: { 202: restoreSchema, ...problems(400, 401, 404, 409, 413, 415, 500) },
      },
    },
    async (request, reply) => {
      const restore = await cancelRestore(deps, request.caller, request.params.restoreId)
      return reply.code(202).send(restore)
    },
  )
}
