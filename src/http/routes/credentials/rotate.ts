import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { rotateCredential } from '../../../services/rotate-credential.ts'
import { credentialParams, credentialSchema, rotationSchema } from '../../schemas/credential.ts'
import { problems } from '../../schemas/problem.ts'
import { needs } from '../../security.ts'

/** POST /v1/addons/:addonId/credentials/:credentialId/rotate */
export const rotateCredentialRoute: FastifyPluginAsyncZod = async (app) => {
  app.post(
    '/addons/:addonId/credentials/:credentialId/rotate',
    {
      schema: {
        operationId: 'rotateCredential',
        summary: 'Rotate a credential',
        description:
          'It gets a new username and password, which can be revealed once it is active again; then the overlap begins, at the end of which PostgreSQL refuses the old ones and their sessions are ended.',
        tags: ['Credentials'],
        security: needs('addons:write'),
        params: credentialParams,
        body: rotationSchema,
        response: { 202: credentialSchema, ...problems(400, 401, 404, 409, 413, 415, 500) },
      },
    },
    async (request, reply) => {
      const credential = await rotateCredential(request.deps, request.caller, request.params, request.body)
      const location = `/v1/addons/${credential.addonId}/credentials/${credential.id}`
      return reply.code(202).header('location', location).send(credential)
    },
  )
}
