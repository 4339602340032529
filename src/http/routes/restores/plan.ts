import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { restoreTargetOf } from '../../../domain/target.ts'
import { planRestore } from '../../../services/plan-restore.ts'
import { addonParams } from '../../schemas/addon.ts'
import { problems } from '../../schemas/problem.ts'
import { planRequestSchema, restorePlanSchema } from '../../schemas/restore-plan.ts'
import { needs } from '../../security.ts'

/** POST /v1/addons/:addonId/restore-plan */
export const planRestoreRoute: FastifyPluginAsyncZod = async (app) => {
  app.post(
    '/addons/:addonId/restore-plan',
    {
      schema: {
        operationId: 'planRestore',
        summary: 'Tell what a restore would take; changes nothing',
        tags: ['Restores'],
        security: needs('addons:read'),
        params: addonParams,
        body: planRequestSchema,
        response: { 200: restorePlanSchema, ...problems(400, 401, 404, 409, 413, 415, 422, 500, 503) },
      },
    },
    (request) => {
      const input = { ...request.body, target: restoreTargetOf(request.body.target) }
      return planRestore(request.deps, request.caller, request.params.addonId, input)
    },
  )
}
