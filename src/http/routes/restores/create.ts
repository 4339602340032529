import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { restoreTargetOf } from '../../../domain/target.ts'
import { requestRestore } from '../../../services/request-restore.ts'
import { addonParams } from '../../schemas/addon.ts'
import { problems } from '../../schemas/problem.ts'
import { newRestoreSchema, restoreSchema } from '../../schemas/restore.ts'
import { needs } from '../../security.ts'

/** POST /v1/addons/:addonId/restores */
export const createRestoreRoute: FastifyPluginAsyncZod = async (app) => {
  app.post(
    '/addons/:addonId/restores',
    {
      schema: {
        operationId: 'createRestore',
        summary: 'Restore an add-on to a moment or a place in its WAL, as a new add-on',
        tags: ['Restores'],
        security: needs('restores:write'),
        params: addonParams,
        body: newRestoreSchema,
        response: { 202: restoreSchema, ...problems(400, 401, 404, 409, 413, 415, 422, 500) },
      },
    },
    async (request, reply) => {
      const input = { ...request.body, target: restoreTargetOf(request.body.target) }
      const restore = await requestRestore(request.deps, request.caller, request.params.addonId, input)
      return reply.code(202).header('location', `/v1/restores/${restore.id}`).send(restore)
    },
  )
}
