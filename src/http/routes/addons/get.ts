import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { readAddon } from '../../../services/read-addons.ts'
import { addonParams, addonSchema } from '../../schemas/addon.ts'
import { problems } from '../../schemas/problem.ts'
import { anyKey } from '../../security.ts'
import type { ServerDeps } from '../../server-deps.ts'

/** GET /v1/addons/:addonId */
export const getAddonRoute: FastifyPluginAsyncZod<{ deps: ServerDeps }> = async (app, { deps }) => {
  app.get(
    '/addons/:addonId',
    {
      schema: {
        operationId: 'getAddon',
        summary: 'Get an add-on',
        tags: ['Add-ons'],
        security: anyKey,
        params: addonParams,
        response: { 200: addonSchema, ...problems(401, 404, 500) },
      },
    },
    (request) => readAddon(deps, request.caller, request.params.addonId),
  )
}
