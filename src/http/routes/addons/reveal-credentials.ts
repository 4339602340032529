import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { revealCredentials } from '../../../services/reveal-credentials.ts'
import { addonParams } from '../../schemas/addon.ts'
import { problems } from '../../schemas/problem.ts'
import { needs } from '../../security.ts'

const credentials = z
  .object({
    host: z.string(),
    port: z.int(),
    database: z.string(),
    username: z.string(),
    password: z.string(),
    url: z
      .string()
      .describe('All of it as a PostgreSQL connection URL; clients need the certificate beside it as well'),
    caCertificate: z
      .string()
      .describe('Who vouches for the server, in PEM: what clients take as `sslrootcert`, or `ca`'),
  })
  .meta({
    id: 'Credentials',
    examples: [
      {
        host: '127.0.0.1',
        port: 20_001,
        database: 'shop_db',
        username: 'u_1f0c7a52d9be6384',
        password: '…',
        url: 'postgresql://u_1f0c7a52d9be6384:…@127.0.0.1:20001/shop_db?sslmode=verify-full',
        caCertificate: '-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n',
      },
    ],
  })

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
        response: { 200: credentials, ...problems(400, 401, 404, 409, 413, 415, 500, 503) },
      },
    },
    (request) => revealCredentials(request.deps, request.caller, request.params.addonId),
  )
}
