import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { readRestorePoint } from '../../../services/read-restore-points.ts'
import { problems } from '../../schemas/problem.ts'
import { restorePointSchema } from '../../schemas/restore-point.ts'
import { anyKey } from '../../security.ts'
import type { ServerDeps } from '../../server-deps.ts'

/** GET /v1/restore-points/:restorePointId */
export const getRestorePointRoute: FastifyPluginAsyncZod<{ deps: ServerDeps }> = async (app, { deps }) => {
  app.get(
    '/restore-points/:restorePointId',
    {
      schema: {
        operationId: 'getRestorePoint',
        summary: 'Get a restore point',
        tags: ['Restore points'],
        security: anyKey,
        params: z.object({ restorePointId: z.string() }),
        response: { 200: restorePointSchema, ...problems(401, 404, 500) },
      },
    },
    (request) => readRestorePoint(deps, request.caller, request.params.restorePointId),
  )
}
