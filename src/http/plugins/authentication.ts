import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { Problem } from '../../domain/problem.ts'
import { authenticate } from '../../services/authenticate.ts'
import type { Caller } from '../../services/caller.ts'
import type { ServerDeps } from '../server-deps.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Set on every route below /v1, before anything else happens. */
    caller: Caller
  }
}

/** Finds out who calls, and refuses whom the operation's security requirements leave out. */
export const authentication = fp<{ deps: ServerDeps }>(
  async (app, { deps }) => {
    app.decorateRequest('caller')
    app.addHook('onRequest', async (request) => {
      const secret = /^Bearer (udk_\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
      const identity = secret === undefined ? null : await authenticate(deps, secret)
      if (identity === null) throw new Problem('unauthenticated')
      const { apiKeyId, tenantId } = identity
      if (tenantId !== null && !admitsTenants(request)) throw new Problem('forbidden')
      request.caller = { tenantId, actor: { apiKeyId, requestId: request.id, sourceAddress: request.ip } }
    })
  },
  { name: 'authentication' },
)

function admitsTenants(request: FastifyRequest): boolean {
  return request.routeOptions.schema?.security?.some((requirement) => 'tenantKey' in requirement) ?? false
}
