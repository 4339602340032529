import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { readOperation } from '../../../services/read-operations.ts'
import { operationWithStepsSchema } from '../../schemas/operation.ts'
import { problems } from '../../schemas/problem.ts'
import { anyKey } from '../../security.ts'
import type { ServerDeps } from '../../server-deps.ts'

/** GET /v1/operations/:operationId */
export const getOperationRoute: FastifyPluginAsyncZod<{ deps: ServerDeps }> = async (app, { deps }) => {
  app.get(
    '/operations/:operationId',
    {
      schema: {
        operationId: 'getOperation',
        summary: 'Get an operation and its steps',
        tags: ['Operations'],
        security: anyKey,
        params: z.object({ operationId: z.string() }),
        response: { 200: operationWithStepsSchema, ...problems(401, 404, 500) },
      },
    },
    (request) => readOperation(deps, request.caller, request.params.operationId),
  )
}
