import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { readOperations } from '../../../services/read-operations.ts'
import { operationSchema } from '../../schemas/operation.ts'
import { pageQuery, pageSchema, sliceOf } from '../../schemas/page.ts'
import { problems } from '../../schemas/problem.ts'
import { needs } from '../../security.ts'

const querystring = z.strictObject({
  ...pageQuery('operation'),
  tenantId: z.string().optional(),
  addonId: z.string().optional(),
  status: operationSchema.shape.status.optional(),
})

/** GET /v1/operations */
export const listOperationsRoute: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/operations',
    {
      schema: {
        operationId: 'listOperations',
        summary: 'List operations',
        tags: ['Operations'],
        security: needs('addons:read'),
        querystring,
        response: { 200: pageSchema('OperationPage', operationSchema), ...problems(400, 401, 404, 500) },
      },
    },
    (request) => readOperations(request.deps, request.caller, request.query, sliceOf(request.query)),
  )
}
