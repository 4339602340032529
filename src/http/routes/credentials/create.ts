import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { createCredential } from '../../../services/create-credential.ts'
import { addonParams } from '../../schemas/addon.ts'
import { credentialSchema, newCredentialSchema } from '../../schemas/credential.ts'
import { problems } from '../../schemas/problem.ts'
import { needs } from '../../security.ts'

/** POST /v1/addons/:addonId/credentials */
export const createCredentialRoute: FastifyPluginAsyncZod = async (app) => {
  app.post(
    '/addons/:addonId/credentials',
    {
      schema: {
        operationId: 'createCredential',
        summary: 'Add a credential to an add-on',
        description: 'It can be revealed once it is active.',
        tags: ['Credentials'],
        security: needs('addons:write'),
        params: addonParams,
        body: newCredentialSchema,
        response: { 202: credentialSchema, ...problems(400, 401, 404, 409, 413, 415, 500) },
      },
    },
    async (request, reply) => {
      const credential = await createCredential(
        request.deps,
        request.caller,
        request.params.addonId,
        request.body,
      )
      const location = `/v1/addons/${credential.addonId}/credentials/${credential.id}`
      return reply.code(202).header('location', location).send(credential)
    },
  )
}
