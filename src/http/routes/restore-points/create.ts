import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { requestRestorePoint } from '../../../services/request-restore-point.ts'
import { addonParams } from '../../schemas/addon.ts'
import { problems } from '../../schemas/problem.ts'
import { newRestorePointSchema, restorePointSchema } from '../../schemas/restore-point.ts'
import { needs } from '../../security.ts'

/** POST /v1/addons/:addonId/restore-points */
export const createRestorePointRoute: FastifyPluginAsyncZod = async (app) => {
  app.post(
    '/addons/:addonId/restore-points',
    {
      schema: {
        operationId: 'createRestorePoint',
        summary: 'Give the present state a name to which it can be restored',
        tags: ['Restore points'],
        security: needs('backups:write'),
        params: addonParams,
        body: newRestorePointSchema,
        response: { 202: restorePointSchema, ...problems(400, 401, 404, 409, 413, 415, 500) },
      },
    },
    async (request, reply) => {
      const { addonId } = request.params
      const point = await requestRestorePoint(request.deps, request.caller, addonId, request.body.name)
      return reply.code(202).header('location', `/v1/restore-points/${point.id}`).send(point)
    },
  )
}
