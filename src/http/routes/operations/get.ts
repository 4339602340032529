import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { readOperation } from '../../../services/read-operations.ts'
import { operationWithStepsSchema } from '../../schemas/operation.ts'
import { problems } from '../../schemas/problem.ts'
import { needs } from '../../security.ts'

/** GET /v1/operations/:operationId */
export const getOperationRoute: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/operations/:operationId',
    {
      schema: {
        operationId: 'getOperation',
        summary: 'Get an operation and its steps',
        tags: ['Operations'],
        security: needs('addons:read'),
        params: z.object({ operationId: z.string() }),
        response: { 200: operationWithStepsSchema, ...problems(401, 404, 500) },
      },
    },
    (request) => readOperation(request.deps, request.caller, request.params.operationId),
  )
}
