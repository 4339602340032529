import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { readRestores } from '../../../services/read-restores.ts'
import { pageQuery, pageSchema, sliceOf } from '../../schemas/page.ts'
import { problems } from '../../schemas/problem.ts'
import { restoreSchema, restoreStatus } from '../../schemas/restore.ts'
import { needs } from '../../security.ts'

const querystring = z.strictObject({
  ...pageQuery('restore'),
  tenantId: z.string().optional(),
  addonId: z.string().optional().describe('The source'),
  status: restoreStatus.optional(),
})

/** GET /v1/restores */
export const listRestoresRoute: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/restores',
    {
      schema: {
        operationId: 'listRestores',
        summary: 'List restores',
        tags: ['Restores'],
        security: needs('addons:read'),
        querystring,
        response: { 200: pageSchema('RestorePage', restoreSchema), ...problems(400, 401, 404, 500) },
      },
    },
    (request) => readRestores(request.deps, request.caller, request.query, sliceOf(request.query)),
  )
}
