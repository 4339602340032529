import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { readAddon } from '../../../services/read-addons.ts'
import { addonParams, addonSchema } from '../../schemas/addon.ts'
import { problems } from '../../schemas/problem.ts'
import { needs } from '../../security.ts'

/** GET /v1/addons/:addonId */
export const getAddonRoute: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/addons/:addonId',
    {
      schema: {
        operationId: 'getAddon',
        summary: 'Get an add-on',
        tags: ['Add-ons'],
        security: needs('addons:read'),
        params: addonParams,
        response: { 200: addonSchema, ...problems(401, 404, 500) },
      },
    },
    (request) => readAddon(request.deps, request.caller, request.params.addonId),
  )
}
