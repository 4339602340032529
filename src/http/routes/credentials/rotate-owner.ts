import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { rotateOwnerCredential } from '../../../services/rotate-credential.ts'
import { addonParams } from '../../schemas/addon.ts'
import { credentialSchema, rotationSchema } from '../../schemas/credential.ts'
import { problems } from '../../schemas/problem.ts'
import { needs } from '../../security.ts'

/** POST /v1/addons/:addonId/credentials/rotate */
export const rotateOwnerCredentialRoute: FastifyPluginAsyncZod = async (app) => {
  app.post(
    '/addons/:addonId/credentials/rotate',
    {
      schema: {
        operationId: 'rotateOwnerCredential',
        summary: 'Rotate the credential of the owner',
        description: 'As rotateCredential.',
        tags: ['Credentials'],
        security: needs('addons:write'),
        params: addonParams,
        body: rotationSchema,
        response: { 202: credentialSchema, ...problems(400, 401, 404, 409, 413, 415, 500) },
      },
    },
    async (request, reply) => {
      const credential = await rotateOwnerCredential(
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
