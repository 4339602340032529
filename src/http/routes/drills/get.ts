import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { readDrill } from '../../../services/read-drills.ts'
import { drillSchema } from '../../schemas/drill.ts'
import { problems } from '../../schemas/problem.ts'
import { needs } from '../../security.ts'

/** GET /v1/drills/:drillId */
export const getDrillRoute: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/drills/:drillId',
    {
      schema: {
        operationId: 'getDrill',
        summary: 'Get a drill',
        tags: ['Drills'],
        security: needs('addons:read'),
        params: z.object({ drillId: z.string() }),
        response: { 200: drillSchema, ...problems(401, 404, 500) },
      },
    },
    (request) => readDrill(request.deps, request.caller, request.params.drillId),
  )
}
