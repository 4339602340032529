import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { readDrills } from '../../../services/read-drills.ts'
import { addonParams } from '../../schemas/addon.ts'
import { drillSchema } from '../../schemas/drill.ts'
import { pageQuery, pageSchema, sliceOf } from '../../schemas/page.ts'
import { problems } from '../../schemas/problem.ts'
import { needs } from '../../security.ts'

const querystring = z.strictObject({ ...pageQuery('drill'), status: drillSchema.shape.status.optional() })

/** GET /v1/addons/:addonId/drills */
export const listDrillsRoute: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/addons/:addonId/drills',
    {
      schema: {
        operationId: 'listDrills',
        summary: 'List the drills of an add-on',
        tags: ['Drills'],
        security: needs('addons:read'),
        params: addonParams,
        querystring,
        response: { 200: pageSchema('DrillPage', drillSchema), ...problems(400, 401, 404, 500) },
      },
    },
    (request) => readDrills(request.deps, request.caller, request.params.addonId, sliceOf(request.query)),
  )
}
