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

/** Answers with a problem document. What is no `Problem` is a bug or an outage, of which the client learns the id only. */
export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply) {
  const problem = toProblem(error)
  if (problem.status >= 500) request.log.error({ err: error }, 'request failed')
  else request.log.info({ problem: problem.code }, 'request refused')

  if (problem.code === 'unauthenticated') void reply.header('www-authenticate', 'Bearer realm="undrop"')
  return reply.code(problem.status).type(PROBLEM_MEDIA_TYPE).send(problemDocument(problem, request.id))
}

function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return new Problem(PROBLEM_OF_FASTIFY_CODE[code] ?? 'internal-error', { cause: error })
}

const PROBLEM_OF_FASTIFY_CODE: Readonly<Record<string, ProblemCode>> = {
  FST_ERR_BAD_URL: 'route-not-found',
  FST_ERR_MAX_PARAM_LENGTH: 'route-not-found',
  FST_ERR_CTP_INVALID_JSON_BODY: 'malformed-body',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'malformed-body',
  FST_ERR_CTP_BODY_TOO_LARGE: 'body-too-large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported-media-type',
}
