import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { readRestorePoint } from '../../../services/read-restore-points.ts'
import { problems } from '../../schemas/problem.ts'
import { restorePointSchema } from '../../schemas/restore-point.ts'
import { needs } from '../../security.ts'

/** GET /v1/restore-points/:restorePointId */
export const getRestorePointRoute: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/restore-points/:restorePointId',
    {
      schema: {
        operationId: 'getRestorePoint',
        summary: 'Get a restore point',
        tags: ['Restore points'],
        security: needs('addons:read'),
        params: z.object({ restorePointId: z.string() }),
        response: { 200: restorePointSchema, ...problems(401, 404, 500) },
      },
    },
    (request) => readRestorePoint(request.deps, request.caller, request.params.restorePointId),
  )
}
