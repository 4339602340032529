import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { cancelRestore } from '../../../services/cancel-restore.ts'
import { problems } from '../../schemas/problem.ts'
import { restoreParams, restoreSchema } from '../../schemas/restore.ts'
import { needs } from '../../security.ts'

/** POST /v1/restores/:restoreId/cancel */
export const cancelRestoreRoute: FastifyPluginAsyncZod = async (app) => {
  app.post(
    '/restores/:restoreId/cancel',
    {
      config: { ifMatch: true },
      schema: {
        operationId: 'cancelRestore',
        summary: 'Cancel a restore and dismantle what it has made',
        tags: ['Restores'],
        security: needs('restores:write'),
        params: restoreParams,
        response: { 202: restoreSchema, ...problems(400, 401, 404, 409, 413, 415, 500) },
      },
    },
    async (request, reply) => {
      const restore = await cancelRestore(request.deps, request.caller, request.params.restoreId)
      return reply.code(202).send(restore)
    },
  )
}
