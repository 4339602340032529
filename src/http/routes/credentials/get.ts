import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { readCredential } from '../../../services/read-credentials.ts'
import { credentialParams, credentialSchema } from '../../schemas/credential.ts'
import { problems } from '../../schemas/problem.ts'
import { needs } from '../../security.ts'

/** GET /v1/addons/:addonId/credentials/:credentialId */
export const getCredentialRoute: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/addons/:addonId/credentials/:credentialId',
    {
      schema: {
        operationId: 'getCredential',
        summary: 'Get a credential',
        tags: ['Credentials'],
        security: needs('addons:read'),
        params: credentialParams,
        response: { 200: credentialSchema, ...problems(401, 404, 500) },
      },
    },
    (request) => readCredential(request.deps, request.caller, request.params),
  )
}
