import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { Problem } from '../../domain/problem.ts'
import { etagOf, isKnownTag } from '../../services/precondition.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The operation compares If-Match with the resource that it changes (`assertMatches`). */
    ifMatch?: boolean
  }
}

/**
 * Entity tags on single resources, If-Match for what changes them and If-None-Match for what reads them (RFC 9110, 13).
 */
export const conditionalRequests = fp(
  async (app) => {
    app.addHook('onRequest', (request, _reply, done) => {
      const ifMatch = request.headers['if-match']
      if (ifMatch === undefined || isRead(request)) return done()
      if (request.routeOptions.config.ifMatch !== true) return done(notTaken())
      request.caller = { ...request.caller, ifMatch }
      done()
    })

    app.addHook('preSerialization', (request, reply, payload, done) => {
      const etag = tagFor(request, reply, payload)
      if (etag !== null) void reply.header('etag', etag)
      done(null, payload)
    })

    app.addHook('onSend', (request, reply, payload, done) => {
      const etag = reply.getHeader('etag')
      const known = request.headers['if-none-match']
      void reply.header(
        'cache-control',
        etag !== undefined && isRead(request) ? 'private, no-cache' : 'no-store',
      )
      if (typeof etag !== 'string' || known === undefined || !isRead(request)) return done(null, payload)
      if (reply.statusCode !== 200 || !isKnownTag(known, etag)) return done(null, payload)
      void reply.code(304).removeHeader('content-type')
      done(null, '')
    })
  },
  { name: 'conditional-requests', dependencies: ['authentication'] },
)

const isRead = ({ method }: FastifyRequest) => method === 'GET' || method === 'HEAD'

/** Of what is read, but not of pages; and of the resource that a change answers with. */
function tagFor(request: FastifyRequest, { statusCode }: FastifyReply, payload: unknown): string | null {
  if (statusCode < 200 || statusCode >= 300 || payload === null || typeof payload !== 'object') return null
  return (isRead(request) ? !('nextCursor' in payload) : 'id' in payload) ? etagOf(payload) : null
}

/** To ignore a condition would be to change what the client wants left alone. */
function notTaken(): Problem {
  const errors = [{ header: 'If-Match', detail: 'is not taken by this operation' }]
  return new Problem('validation-failed', { extensions: { errors } })
}
