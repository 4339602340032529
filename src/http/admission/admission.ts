import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { hashApiKey } from '../../domain/credentials.ts'
import { Problem } from '../../domain/problem.ts'
import { fairGate, GateClosed, type Leave } from '../../lib/fair-gate.ts'
import type { Logger } from '../../telemetry/logger.ts'
import { clientAddress, networkOf } from '../client-address.ts'
import { knownKeys } from './known-keys.ts'
import type { AdmissionLimits } from './limits.ts'
import { openRates } from './rates.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Makes room for others; null for a request that has none, or has left. */
    leaveGate: Leave | null
  }
  interface FastifyInstance {
    admit: Admit
  }
  interface FastifyContextConfig {
    /** The answer goes on for as long as the client listens: it is not at work all that time. */
    longLived?: boolean
  }
}

/**
 * Finds out who calls, and goes on when it is that tenant's turn. A flood is refused before the metadata database is
 * asked about it, or waits, and makes nobody wait but its own tenant.
 * @param lookUp finds out by a key and its SHA-256 whose it is; null for nobody's
 * @throws Problem `rate-limited`, `too-many-in-flight`, `unavailable`
 */
export type Admit = <Found extends { tenantId: string | null }>(
  request: FastifyRequest,
  reply: FastifyReply,
  secret: string | undefined,
  lookUp: (secret: string, hash: Buffer) => Promise<Found | null>,
) => Promise<Found | null>

/** Takes turns like a tenant. */
const PLATFORM = 'platform'

export const admission = fp<{ limits: AdmissionLimits; logger: Logger }>(
  async (app, { limits, logger }) => {
    app.decorateRequest('leaveGate', null)
    app.addHook('onRoute', (route) => {
      if (route.config?.longLived === true) route.handlerTimeout = FOR_EVER
    })
    app.decorate('admit', await admitter(app, limits, logger))
    // All the work of a request is behind it when its answer, or its refusal, is sent. Clients may be slow to take it.
    app.addHook('onSend', (request, _reply, payload, done) => {
      leave(request)
      done(null, payload)
    })
    app.addHook('onResponse', (request, _reply, done) => {
      leave(request)
      done()
    })
  },
  { name: 'admission' },
)

/** The most that a timer takes, in milliseconds. */
const FOR_EVER = 2 ** 31 - 1

async function admitter(app: FastifyInstance, limits: AdmissionLimits, logger: Logger): Promise<Admit> {
  const rates = await openRates(app, limits, logger)
  const gate = fairGate(limits.inFlight)
  const keys = knownKeys()

  const address = (request: FastifyRequest) =>
    ({ kind: 'address', name: networkOf(clientAddress(request)) }) as const

  return async (request, reply, secret, lookUp) => {
    if (secret === undefined) {
      await rates.count(request, reply, address(request))
      return null
    }
    const digest = hashApiKey(secret)
    const hash = digest.toString('base64url')
    const key = { kind: 'key', name: hash } as const
    const known = keys.has(hash)
    if (known) await rates.count(request, reply, key)
    else await rates.assertLeft(request, reply, address(request))

    // However many ask, it is one question at a time: nobody has to take turns for that.
    const found = await lookUp(secret, digest)
    if (found === null) {
      keys.forget(hash)
      await rates.count(request, reply, address(request))
      return null
    }
    if (!known) {
      keys.remember(hash)
      await rates.count(request, reply, key)
    }
    if (request.routeOptions.config.longLived !== true)
      request.leaveGate = await orProblem(() => gate.enter(found.tenantId ?? PLATFORM))
    return found
  }
}

/** Makes room for others before the request is answered. */
export function leave(request: FastifyRequest): void {
  request.leaveGate?.()
  request.leaveGate = null
}

async function orProblem(enter: () => Promise<Leave> | Leave): Promise<Leave> {
  try {
    return await enter()
  } catch (error) {
    if (!(error instanceof GateClosed)) throw error
    throw new Problem(error.ownLimit ? 'too-many-in-flight' : 'unavailable', { cause: error })
  }
}
