import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { Problem, type ProblemCode } from '../../domain/problem.ts'
import { PROBLEM_MEDIA_TYPE, problemDocument } from '../problem-document.ts'

/** The only place where an error becomes a response. */
export const problemDetails = fp(
  async (app) => {
    app.setErrorHandler(sendProblem)
  },
  { name: 'problem-details' },
)

const RETRY_AFTER_SECONDS = 1

/** Answers with a problem document. What is no `Problem` is a bug or an outage, of which the client learns the id only. */
export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply) {
  const problem = toProblem(error)
  if (problem.status >= 500) request.log.error({ err: error }, 'request failed')
  else request.log.info({ problem: problem.code }, 'request refused')

  void reply.header('x-request-id', request.id)
  const retryAfter = retryAfterSecondsOf(problem)
  if (retryAfter !== null) void reply.header('retry-after', retryAfter)
  if (problem.code === 'unauthenticated') void reply.header('www-authenticate', 'Bearer realm="undrop"')
  return reply.code(problem.status).type(PROBLEM_MEDIA_TYPE).send(problemDocument(problem, request.id))
}

function retryAfterSecondsOf({ status, retryAfterSeconds, extensions }: Problem): number | null {
  const said = retryAfterSeconds ?? extensions['retryAfterSeconds']
  if (said !== undefined) return Number(said)
  return status === 503 || status === 429 ? RETRY_AFTER_SECONDS : null
}

function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const known = PROBLEM_OF_CODE[code] ?? (isPoolTimeout(error) ? 'unavailable' : undefined)
  return new Problem(known ?? codeOfStatus(error), { cause: error })
}

/** No connection to the metadata database was free, or could be opened, in time: node-postgres gives no code. */
function isPoolTimeout(error: unknown): boolean {
  return (
    error instanceof Error &&
    /^(timeout exceeded when trying to connect|Connection terminated )/.test(error.message)
  )
}

/** What a plugin refuses in its own way is the client's fault all the same. */
function codeOfStatus(error: unknown): ProblemCode {
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500
  if (status === 403 || status === 404) return 'route-not-found'
  return status >= 400 && status < 500 ? 'malformed-body' : 'internal-error'
}

const PROBLEM_OF_CODE: Readonly<Record<string, ProblemCode>> = {
  FST_ERR_BAD_URL: 'route-not-found',
  FST_ERR_MAX_PARAM_LENGTH: 'route-not-found',
  FST_ERR_CTP_INVALID_JSON_BODY: 'malformed-body',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'malformed-body',
  FST_ERR_CTP_BODY_TOO_LARGE: 'body-too-large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported-media-type',
  // The client has gone in the middle of its body.
  ECONNRESET: 'malformed-body',
  // The metadata database: refused, gone, shutting down or starting up (PostgreSQL manual, appendix A).
  ECONNREFUSED: 'unavailable',
  ENOENT: 'unavailable',
  '53300': 'unavailable',
  // A limit of the session was reached: of its statements, of its locks, of the time it does nothing in a transaction.
  // A migration has come in between.
  '0A000': 'unavailable',
  '57014': 'unavailable',
  '55P03': 'unavailable',
  '25P03': 'unavailable',
  FST_ERR_HANDLER_TIMEOUT: 'unavailable',
  '57P01': 'unavailable',
  '57P02': 'unavailable',
  '57P03': 'unavailable',
}
