import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { Problem } from '../../domain/problem.ts'
import { type Answer, beginOnce, endOnce } from '../../services/idempotency.ts'
import { leave } from '../admission/admission.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The attempt of a request with an Idempotency-Key that is being carried out. */
    idempotencyKeyId: string | null
  }
}

/** A POST with an Idempotency-Key happens once, however often it is sent; each time it is given the same answer. */
export const idempotency = fp(
  async (app) => {
    app.decorateRequest('idempotencyKeyId', null)
    // After validation: what does not reach its operation may be sent again.
    app.addHook('preHandler', async (request, reply) => {
      const key = keyOf(request)
      if (key === undefined) return
      const begun = await beginOnce(
        request.deps,
        request.caller,
        { key, fingerprint: fingerprint(request) },
        () => leave(request),
      )
      if ('answer' in begun) return replay(reply, begun.answer)
      request.idempotencyKeyId = begun.id
      const { actor, ...caller } = request.caller
      request.caller = { ...caller, actor: { ...actor, idempotencyKeyId: begun.id } }
    })

    app.addHook('onSend', async (request, reply, payload) => {
      const id = request.idempotencyKeyId
      if (id === null) return
      request.idempotencyKeyId = null
      // What was done is done, and whoever waits is told so in time.
      await endOnce(request.deps, id, answerIn(reply, payload)).catch((err: unknown) =>
        request.log.error({ err }, 'the answer of an Idempotency-Key is not kept'),
      )
    })
  },
  { name: 'idempotency', dependencies: ['authentication'] },
)

const KEY = /^[!-~]{1,255}$/

function keyOf({ method, headers }: FastifyRequest): string | undefined {
  const key = headers['idempotency-key']
  if (method !== 'POST' || key === undefined) return undefined
  if (typeof key === 'string' && KEY.test(key)) return key
  const detail = 'must have 1 to 255 printable ASCII characters without spaces'
  throw new Problem('validation-failed', { extensions: { errors: [{ header: 'Idempotency-Key', detail }] } })
}

function fingerprint({ method, url, body }: FastifyRequest): Buffer {
  const what = JSON.stringify([method, url, body ?? null])
  return createHash('sha256').update(what).digest()
}

const KEPT_HEADERS = ['content-type', 'location', 'etag'] as const

function answerIn(reply: FastifyReply, payload: unknown): Answer {
  const headers = KEPT_HEADERS.flatMap((name) => {
    const value = reply.getHeader(name)
    return value === undefined ? [] : [[name, String(value)]]
  })
  const body = typeof payload === 'string' ? payload : ''
  return { status: reply.statusCode, headers: Object.fromEntries(headers), body }
}

function replay(reply: FastifyReply, { status, headers, body }: Answer) {
  return reply.code(status).headers(headers).header('idempotent-replayed', 'true').send(body)
}
