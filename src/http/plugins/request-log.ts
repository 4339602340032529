import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { withOrigin } from '../../lib/origin.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { ServerDeps } from '../server-deps.ts'

/** What is asked every few seconds by machines, and is news only when it fails. */
const ROUTINE = new Set(['/healthz', '/readyz', '/metrics'])
const CALLER_ID_LENGTH_MAX = 64

/**
 * One line for each request, and on every line of it the request's id, which is also in the answer. An id that the caller
 * gives is logged beside. Work that the request asks for is known as its own.
 */
export const requestLog = fp<{ deps: ServerDeps }>(
  async (app, { deps }) => {
    app.addHook('onRequest', (request, reply, done) => {
      void reply.header('x-request-id', request.id)
      bind(request, { method: request.method, route: routeOf(request), ...theirId(request) })
      done()
    })
    // After the body is read, which leaves the context of the request.
    app.addHook('preHandler', (request, _reply, done) => {
      const traceparent = deps.tracing?.traceparentOf(request)
      withOrigin({ requestId: request.id, ...(traceparent !== undefined && { traceparent }) }, done)
    })
    app.addHook('onResponse', (request, reply, done) => {
      const route = routeOf(request)
      const [status, seconds] = [reply.statusCode, reply.elapsedTime / 1000]
      deps.served?.({ method: request.method, route, status, seconds })
      const path = request.url.split('?', 1)[0]
      const level = ROUTINE.has(route) ? 'debug' : 'info'
      request.log[level]({ path, status, durationSeconds: Number(seconds.toFixed(6)) }, 'request')
      done()
    })
  },
  { name: 'request-log' },
)

/** Notes on every further line of a request who makes it. */
export function logCaller(request: FastifyRequest, tenantId: string | null, keyId: string | null): void {
  bind(request, { tenantId, keyId })
}

/** The logger is the request's own: Fastify makes a child for each. */
function bind(request: FastifyRequest, facts: Record<string, unknown>): void {
  ;(request.log as Logger).setBindings(facts)
}

const routeOf = (request: FastifyRequest) => request.routeOptions.url ?? 'none'

function theirId({ headers }: FastifyRequest): { callerRequestId?: string } {
  const callerRequestId = String(headers['x-request-id'] ?? '')
    .replace(/[^\w.:-]/g, '')
    .slice(0, CALLER_ID_LENGTH_MAX)
  return callerRequestId === '' ? {} : { callerRequestId }
}
