import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { requestDrill } from '../../../services/request-drill.ts'
import { addonParams } from '../../schemas/addon.ts'
import { drillSchema, newDrillSchema } from '../../schemas/drill.ts'
import { problems } from '../../schemas/problem.ts'
import { needs } from '../../security.ts'

/** POST /v1/addons/:addonId/drills */
export const createDrillRoute: FastifyPluginAsyncZod = async (app) => {
  app.post(
    '/addons/:addonId/drills',
    {
      schema: {
        operationId: 'createDrill',
        summary: 'Restore an add-on for practice, look at the result and throw it away',
        tags: ['Drills'],
        security: needs('backups:write'),
        params: addonParams,
        body: newDrillSchema.optional(),
        response: { 202: drillSchema, ...problems(400, 401, 404, 409, 413, 415, 500) },
      },
    },
    async (request, reply) => {
      const drill = await requestDrill(request.deps, request.caller, request.params.addonId)
      return reply.code(202).header('location', `/v1/drills/${drill.id}`).send(drill)
    },
  )
}
