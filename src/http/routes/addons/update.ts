import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { updateAddon } from '../../../services/update-addon.ts'
import { addonChangeSchema, addonParams, addonSchema } from '../../schemas/addon.ts'
import { problems } from '../../schemas/problem.ts'
import { needs } from '../../security.ts'

/** PATCH /v1/addons/:addonId */
export const updateAddonRoute: FastifyPluginAsyncZod = async (app) => {
  app.patch(
    '/addons/:addonId',
    {
      config: { ifMatch: true },
      schema: {
        operationId: 'updateAddon',
        summary: 'Change an add-on',
        description:
          'Fields that are not given stay as they are; labels and the backup policy are replaced as a whole.',
        tags: ['Add-ons'],
        security: needs('addons:write'),
        params: addonParams,
        body: addonChangeSchema,
        response: { 200: addonSchema, ...problems(400, 401, 404, 409, 413, 415, 500) },
      },
    },
    (request) => updateAddon(request.deps, request.caller, request.params.addonId, request.body),
  )
}
