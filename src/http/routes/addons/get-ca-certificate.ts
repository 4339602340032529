import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { readCaCertificates } from '../../../services/read-ca-certificates.ts'
import { addonParams } from '../../schemas/addon.ts'
import { problems } from '../../schemas/problem.ts'
import { needs } from '../../security.ts'

const PEM_MEDIA_TYPE = 'application/x-pem-file'

const certificates = z
  .string()
  .meta({ examples: ['-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n'] })

/** GET /v1/addons/:addonId/ca-certificate */
export const getCaCertificateRoute: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/addons/:addonId/ca-certificate',
    {
      schema: {
        operationId: 'getCaCertificate',
        summary: 'Download the certificate that clients of an add-on trust',
        description:
          'Of the authority that vouches for the server, in PEM: a file for `sslrootcert` or `PGSSLROOTCERT`. Holds ' +
          'several certificates while the authority is being replaced.',
        tags: ['Add-ons'],
        security: needs('addons:read'),
        params: addonParams,
        response: {
          200: {
            description: 'One certificate or several',
            content: { [PEM_MEDIA_TYPE]: { schema: certificates } },
          },
          ...problems(401, 404, 500, 503),
        },
      },
    },
    async (request, reply) => {
      const pem = await readCaCertificates(request.deps, request.caller, request.params.addonId)
      return reply
        .type(PEM_MEDIA_TYPE)
        .header('content-disposition', 'attachment; filename="undrop-ca.pem"')
        .send(pem)
    },
  )
}
