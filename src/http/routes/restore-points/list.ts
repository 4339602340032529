import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { readRestorePoints } from '../../../services/read-restore-points.ts'
import { addonParams } from '../../schemas/addon.ts'
import { pageQuery, pageSchema, sliceOf } from '../../schemas/page.ts'
import { problems } from '../../schemas/problem.ts'
import { restorePointSchema } from '../../schemas/restore-point.ts'
import { needs } from '../../security.ts'

const querystring = z.strictObject({
  ...pageQuery('restorePoint'),
  status: restorePointSchema.shape.status.optional(),
})

/** GET /v1/addons/:addonId/restore-points */
export const listRestorePointsRoute: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/addons/:addonId/restore-points',
    {
      schema: {
        operationId: 'listRestorePoints',
        summary: 'List the restore points of an add-on',
        tags: ['Restore points'],
        security: needs('addons:read'),
        params: addonParams,
        querystring,
        response: {
          200: pageSchema('RestorePointPage', restorePointSchema),
          ...problems(400, 401, 404, 409, 500),
        },
      },
    },
    (request) =>
      readRestorePoints(request.deps, request.caller, request.params.addonId, sliceOf(request.query)),
  )
}
