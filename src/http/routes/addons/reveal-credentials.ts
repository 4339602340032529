import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { revealCredentials } from '../../../services/reveal-credentials.ts'
import { addonParams } from '../../schemas/addon.ts'
import { connectionDetailsSchema } from '../../schemas/credential.ts'
import { problems } from '../../schemas/problem.ts'
import { needs } from '../../security.ts'

/** POST /v1/addons/:addonId/credentials/reveal */
export const revealCredentialsRoute: FastifyPluginAsyncZod = async (app) => {
  app.post(
    '/addons/:addonId/credentials/reveal',
    {
      schema: {
        operationId: 'revealCredentials',
        summary: 'Reveal how to connect to an add-on',
        description: 'Recorded in the audit log.',
        tags: ['Add-ons'],
        security: needs('credentials:read'),
        params: addonParams,
        response: { 200: connectionDetailsSchema, ...problems(400, 401, 404, 409, 413, 415, 500, 503) },
      },
    },
    (request) => revealCredentials(request.deps, request.caller, request.params.addonId),
  )
}
