import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { readAddons } from '../../../services/read-addons.ts'
import { addonSchema } from '../../schemas/addon.ts'
import { pageQuery, pageSchema, sliceOf } from '../../schemas/page.ts'
import { problems } from '../../schemas/problem.ts'
import { labelFilter } from '../../schemas/text.ts'
import { needs } from '../../security.ts'

const querystring = z.strictObject({
  ...pageQuery('addon'),
  tenantId: z.string().optional(),
  status: addonSchema.shape.status.exclude(['deleted']).optional(),
  label: labelFilter.optional(),
})

/** GET /v1/addons */
export const listAddonsRoute: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/addons',
    {
      schema: {
        operationId: 'listAddons',
        summary: 'List add-ons',
        tags: ['Add-ons'],
        security: needs('addons:read'),
        querystring,
        response: { 200: pageSchema('AddonPage', addonSchema), ...problems(400, 401, 404, 500) },
      },
    },
    (request) => readAddons(request.deps, request.caller, request.query, sliceOf(request.query)),
  )
}
