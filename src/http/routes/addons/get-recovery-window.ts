import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { readRecoveryWindow } from '../../../services/read-recovery-window.ts'
import { addonParams } from '../../schemas/addon.ts'
import { problems } from '../../schemas/problem.ts'
import { recoveryWindowSchema } from '../../schemas/recovery-window.ts'
import { needs } from '../../security.ts'

/** GET /v1/addons/:addonId/recovery-window */
export const getRecoveryWindowRoute: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/addons/:addonId/recovery-window',
    {
      schema: {
        operationId: 'getRecoveryWindow',
        summary: 'Get the moments an add-on can be brought back to',
        tags: ['Add-ons'],
        security: needs('addons:read'),
        params: addonParams,
        response: { 200: recoveryWindowSchema, ...problems(401, 404, 409, 500) },
      },
    },
    (request) => readRecoveryWindow(request.deps, request.caller, request.params.addonId),
  )
}
