import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Problem } from '../../domain/problem.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { AdmissionLimits } from './limits.ts'

/** What requests are counted by: a key by its hash, or the address that a request without a valid one comes from. */
export type Subject = { kind: 'key' | 'address'; name: string }

declare module 'fastify' {
  interface FastifyRequest {
    /** What the request is being counted by. */
    countedBy: Subject
  }
}

const NAMESPACE = 'undrop:requests:'
/** After a failure Redis is left alone for so long, so that a slow one costs few requests anything. */
const AWAY_MILLISECONDS = 1000

export interface Rates {
  /** Counts the request, and tells the client how many are left. @throws Problem `rate-limited` */
  count(request: FastifyRequest, reply: FastifyReply, subject: Subject): Promise<void>
  /** The same without counting. */
  assertLeft(request: FastifyRequest, reply: FastifyReply, subject: Subject): Promise<void>
}

export async function openRates(
  app: FastifyInstance,
  limits: AdmissionLimits,
  logger: Logger,
): Promise<Rates> {
  app.decorateRequest('countedBy')
  await app.register(rateLimit, {
    global: false,
    keyGenerator: ({ countedBy: { kind, name } }: FastifyRequest) => `${kind}:${name}`,
    max: ({ countedBy: { kind } }: FastifyRequest) => limits[kind].burst,
    // Whoever uses up the burst at once waits until it has come back in full.
    timeWindow: ({ countedBy: { kind } }: FastifyRequest) =>
      Math.ceil((limits[kind].burst / limits[kind].perSecond) * 1000),
    ...(limits.redis && { redis: limits.redis, nameSpace: NAMESPACE }),
    cache: 10_000,
  })
  const limiter = app.createRateLimit()
  const ask = whileItAnswers(limiter, logger)

  const check = async (
    request: FastifyRequest,
    reply: FastifyReply,
    subject: Subject,
    increment: boolean,
  ) => {
    request.countedBy = subject
    const state = await ask(request, { increment })
    if (state === null || state.isAllowed) return
    const { max, remaining, ttlInSeconds } = state
    void reply.headers({
      'ratelimit-limit': max,
      'ratelimit-remaining': remaining,
      'ratelimit-reset': ttlInSeconds,
    })
    // Of what is not counted the last one that fits is gone already.
    if (state.isExceeded || (!increment && remaining === 0))
      throw new Problem('rate-limited', { extensions: { retryAfterSeconds: Math.max(1, ttlInSeconds) } })
  }
  return {
    count: (request, reply, subject) => check(request, reply, subject, true),
    assertLeft: (request, reply, subject) => check(request, reply, subject, false),
  }
}

type Limiter = ReturnType<FastifyInstance['createRateLimit']>

/** Null while Redis is away: then nobody is refused, nobody waits, and the log says so once. */
function whileItAnswers(limiter: Limiter, logger: Logger) {
  let awayUntil = 0
  let isAway = false
  return async (...question: Parameters<Limiter>): Promise<Awaited<ReturnType<Limiter>> | null> => {
    if (performance.now() < awayUntil) return null
    try {
      const answer = await limiter(...question)
      if (isAway) logger.info('requests are counted again')
      isAway = false
      return answer
    } catch (err) {
      awayUntil = performance.now() + AWAY_MILLISECONDS
      if (!isAway) logger.warn({ err }, 'requests are not counted: Redis does not answer')
      isAway = true
      return null
    }
  }
}
