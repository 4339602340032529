import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { revealCredential } from '../../../services/reveal-credential.ts'
import { connectionDetailsSchema, credentialParams } from '../../schemas/credential.ts'
import { problems } from '../../schemas/problem.ts'
import { needs } from '../../security.ts'

/** POST /v1/addons/:addonId/credentials/:credentialId/reveal */
export const revealCredentialRoute: FastifyPluginAsyncZod = async (app) => {
  app.post(
    '/addons/:addonId/credentials/:credentialId/reveal',
    {
      schema: {
        operationId: 'revealCredential',
        summary: 'Reveal how to connect with a credential',
        description: 'Recorded in the audit log.',
        tags: ['Credentials'],
        security: needs('credentials:read'),
        params: credentialParams,
        response: { 200: connectionDetailsSchema, ...problems(400, 401, 404, 409, 413, 415, 500, 503) },
      },
    },
    (request) => revealCredential(request.deps, request.caller, request.params),
  )
}
