import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { readDrill } from '../../../services/read-drills.ts'
import { drillSchema } from '../../schemas/drill.ts'
import { problems } from '../../schemas/problem.ts'
import { anyKey } from '../../security.ts'
import type { ServerDeps } from '../../server-deps.ts'

/** GET /v1/drills/:drillId */
export const getDrillRoute: FastifyPluginAsyncZod<{ deps: ServerDeps }> = async (app, { deps }) => {
  app.get(
    '/drills/:drillId',
    {
      schema: {
        operationId: 'getDrill',
        summary: 'Get a drill',
        tags: ['Drills'],
        security: anyKey,
        params: z.object({ drillId: z.string() }),
        response: { 200: drillSchema, ...problems(401, 404, 500) },
      },
    },
    (request) => readDrill(deps, request.caller, request.params.drillId),
  )
}
