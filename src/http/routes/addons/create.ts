import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { createAddon } from '../../../services/create-addon.ts'
import { addonSchema, newAddonSchema } from '../../schemas/addon.ts'
import { problems } from '../../schemas/problem.ts'
import { needs } from '../../security.ts'

/** POST /v1/addons */
export const createAddonRoute: FastifyPluginAsyncZod = async (app) => {
  app.post(
    '/addons',
    {
      schema: {
        operationId: 'createAddon',
        summary: 'Create an add-on',
        tags: ['Add-ons'],
        security: needs('addons:write'),
        body: newAddonSchema,
        response: { 202: addonSchema, ...problems(400, 401, 404, 409, 413, 415, 422, 500) },
      },
    },
    async (request, reply) => {
      const addon = await createAddon(request.deps, request.caller, request.body)
      return reply.code(202).header('location', `/v1/addons/${addon.id}`).send(addon)
    },
  )
}
