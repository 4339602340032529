import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import fp from 'fastify-plugin'
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod'
import { conventions } from '../describe-conventions.ts'
import { optionalBodies } from '../optional-bodies.ts'
import { pruneComponents } from '../prune-components.ts'
import { securitySchemes } from '../security.ts'

const description = `Continuous backup and rollback for PostgreSQL add-ons.

Long work answers 202 and goes on in the background; its resource tells how far it is. Errors are RFC 9457 problems with
a stable \`type\`. Lists are ordered by id, which is the order of creation.

A POST with an \`Idempotency-Key\` is carried out once, however often it is sent. Resources have an \`ETag\`: with
\`If-Match\` nothing is changed that somebody else has changed meanwhile.`

/** Describes the API from the schemas of its routes: /openapi.json for programs, /docs for people. */
export const openapi = fp(
  async (app) => {
    const optional = optionalBodies()
    const common = conventions()
    await app.register(swagger, {
      openapi: {
        openapi: '3.1.0',
        info: { title: 'Undrop', version: '1', description, license: { name: 'MIT', identifier: 'MIT' } },
        servers: [{ url: '/', description: 'Where this document comes from' }],
        components: { securitySchemes },
      },
      transform: (input) => {
        optional.note(input.schema)
        common.note(input.schema.operationId, input.route.config?.ifMatch === true)
        return jsonSchemaTransform(input)
      },
      // The document is plain JSON; the two libraries type it differently.
      transformObject: (input) =>
        pruneComponents(
          common.applyTo(optional.applyTo(jsonSchemaTransformObject(input) as object)),
        ) as never,
    })
    await app.register(swaggerUi, { routePrefix: '/docs' })
    app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger())
  },
  { name: 'openapi' },
)
