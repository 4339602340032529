import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { isWholeApiKey } from '../../domain/credentials.ts'
import { Problem } from '../../domain/problem.ts'
import { allows, type Scope } from '../../domain/scopes.ts'
import { authenticator, type Identity } from '../../services/authenticate.ts'
import { type Caller, scopeOf } from '../../services/caller.ts'
import type { ServiceDeps } from '../../services/service-deps.ts'
import { clientAddress } from '../client-address.ts'
import type { ServerDeps } from '../server-deps.ts'
import { logCaller } from './request-log.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Set on every route below /v1, before anything else happens. */
    caller: Caller
    /** What use cases work with: the metadata database reaches as far as the caller's key. */
    deps: ServiceDeps
  }
}

/** Finds out who calls, and refuses whom the operation's security requirements leave out. */
export const authentication = fp<{ deps: ServerDeps }>(
  async (app, { deps }) => {
    const { dbOf, unscopedDb, checks: _, ...shared } = deps
    const authenticate = authenticator({ ...deps, db: unscopedDb })
    const opened = new WeakMap<Identity, ServiceDeps>()
    /** Made once for as long as the key is remembered to be that one's. */
    const depsFor = (identity: Identity, caller: Caller) => {
      const known = opened.get(identity) ?? { ...shared, db: dbOf(scopeOf(caller)) }
      opened.set(identity, known)
      return known
    }
    app.decorateRequest('caller')
    app.decorateRequest('deps')
    app.addHook('onRequest', async (request, reply) => {
      const secret = /^Bearer (udk_\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
      const identity = await app.admit(request, reply, secret, authenticate)
      if (identity === null) throw unauthenticated(secret)
      const { apiKeyId, tenantId, scopes } = identity
      logCaller(request, tenantId, apiKeyId)
      if (tenantId !== null) assertAllowed(request, scopes)
      const actor = { apiKeyId, requestId: request.id, sourceAddress: clientAddress(request) }
      request.caller = { tenantId, scopes, actor }
      request.deps = depsFor(identity, request.caller)
    })
  },
  { name: 'authentication', dependencies: ['admission'] },
)

/** Says what anybody can see of the key itself, and no more. */
function unauthenticated(secret: string | undefined): Problem {
  const mistyped = secret !== undefined && !isWholeApiKey(secret)
  return new Problem('unauthenticated', mistyped ? { detail: 'The key has been mistyped or cut.' } : {})
}

/** @throws Problem `forbidden` for an operation that is the platform's, or needs scopes that the key does not have */
function assertAllowed(request: FastifyRequest, granted: readonly Scope[]): void {
  const { security = [] } = request.routeOptions.schema ?? {}
  const requirement = security.find((each) => 'tenantKey' in each)
  if (requirement === undefined) throw new Problem('forbidden')
  // Routes name scopes by `needs`, which takes no others.
  const needed = (requirement['tenantKey'] ?? []) as Scope[]
  if (!allows(granted, needed)) throw new Problem('forbidden', { extensions: { neededScopes: needed } })
}
