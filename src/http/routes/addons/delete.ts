import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { deleteAddon } from '../../../services/delete-addon.ts'
import { addonParams, addonSchema } from '../../schemas/addon.ts'
import { problems } from '../../schemas/problem.ts'
import { needs } from '../../security.ts'

/** DELETE /v1/addons/:addonId */
export const deleteAddonRoute: FastifyPluginAsyncZod = async (app) => {
  app.delete(
    '/addons/:addonId',
    {
      config: { ifMatch: true },
      schema: {
        operationId: 'deleteAddon',
        summary: 'Delete an add-on and its server',
        description:
          'The archive is kept for `deletedRetentionDays` of the backup policy: until `archiveKeptUntil` the deleted add-on can be restored by its id.',
        tags: ['Add-ons'],
        security: needs('addons:write'),
        params: addonParams,
        response: { 202: addonSchema, ...problems(400, 401, 404, 409, 413, 415, 500) },
      },
    },
    async (request, reply) => {
      const addon = await deleteAddon(request.deps, request.caller, request.params.addonId)
      return reply.code(202).send(addon)
    },
  )
}
