import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { Problem } from '../../domain/problem.ts'

/** `Link` to the next page beside `nextCursor`; and no operation ignores a query parameter that it does not know. */
export const lists = fp(
  async (app) => {
    app.addHook('preValidation', (request, _reply, done) => {
      if (request.routeOptions.schema?.querystring !== undefined) return done()
      const errors = Object.keys(request.query as object).map((parameter) => ({
        parameter,
        detail: 'is not known',
      }))
      done(errors.length > 0 ? new Problem('validation-failed', { extensions: { errors } }) : undefined)
    })

    app.addHook('preSerialization', (request, reply, payload, done) => {
      const { nextCursor = null } = (payload ?? {}) as { nextCursor?: string | null }
      if (nextCursor !== null) void reply.header('link', `<${pageAfter(request, nextCursor)}>; rel="next"`)
      done(null, payload)
    })
  },
  { name: 'lists' },
)

/** The address of the same list, with all its filters, from there on (RFC 8288). */
function pageAfter({ url }: FastifyRequest, cursor: string): string {
  const { pathname, searchParams } = new URL(url, 'http://undrop.invalid')
  searchParams.set('cursor', cursor)
  return `${pathname}?${searchParams.toString()}`
}
