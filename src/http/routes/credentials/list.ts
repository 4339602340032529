import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { readCredentials } from '../../../services/read-credentials.ts'
import { addonParams } from '../../schemas/addon.ts'
import { credentialSchema } from '../../schemas/credential.ts'
import { pageQuery, pageSchema, sliceOf } from '../../schemas/page.ts'
import { problems } from '../../schemas/problem.ts'
import { needs } from '../../security.ts'

/** GET /v1/addons/:addonId/credentials */
export const listCredentialsRoute: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/addons/:addonId/credentials',
    {
      schema: {
        operationId: 'listCredentials',
        summary: 'List the credentials of an add-on',
        tags: ['Credentials'],
        security: needs('addons:read'),
        params: addonParams,
        querystring: z.strictObject(pageQuery('credential')),
        response: { 200: pageSchema('CredentialPage', credentialSchema), ...problems(400, 401, 404, 500) },
      },
    },
    (request) =>
      readCredentials(request.deps, request.caller, request.params.addonId, sliceOf(request.query)),
  )
}
