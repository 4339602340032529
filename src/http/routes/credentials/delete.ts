import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { deleteCredential } from '../../../services/delete-credential.ts'
import { credentialParams, credentialSchema } from '../../schemas/credential.ts'
import { problems } from '../../schemas/problem.ts'
import { needs } from '../../security.ts'

/** DELETE /v1/addons/:addonId/credentials/:credentialId */
export const deleteCredentialRoute: FastifyPluginAsyncZod = async (app) => {
  app.delete(
    '/addons/:addonId/credentials/:credentialId',
    {
      config: { ifMatch: true },
      schema: {
        operationId: 'deleteCredential',
        summary: 'Delete a credential',
        description:
          'Its sessions are ended, and what it owns becomes the owner’s. That of the owner goes with the add-on.',
        tags: ['Credentials'],
        security: needs('addons:write'),
        params: credentialParams,
        response: { 202: credentialSchema, ...problems(400, 401, 404, 409, 413, 415, 500) },
      },
    },
    async (request, reply) => {
      const credential = await deleteCredential(request.deps, request.caller, request.params)
      const location = `/v1/addons/${credential.addonId}/credentials/${credential.id}`
      return reply.code(202).header('location', location).send(credential)
    },
  )
}
