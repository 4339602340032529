import { randomUUID } from 'node:crypto'
import Fastify, { type FastifyBaseLogger, LogController } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { admission } from './admission/admission.ts'
import { type AdmissionLimits, NO_RATES } from './admission/limits.ts'
import { answerBrokenRequest } from './broken-request.ts'
import { authentication } from './plugins/authentication.ts'
import { conditionalRequests } from './plugins/conditional-requests.ts'
import { idempotency } from './plugins/idempotency.ts'
import { jsonBodies } from './plugins/json-bodies.ts'
import { lastAnswers } from './plugins/last-answers.ts'
import { lists } from './plugins/lists.ts'
import { openapi } from './plugins/openapi.ts'
import { problemDetails, sendProblem } from './plugins/problem-details.ts'
import { requestLog } from './plugins/request-log.ts'
import { requestSizes } from './plugins/request-sizes.ts'
import { unknownRoutes } from './plugins/unknown-routes.ts'
import { health } from './routes/health.ts'
import { metrics } from './routes/metrics.ts'
import { routes } from './routes/routes.ts'
import { checkingSerializerCompiler, trustingSerializerCompiler } from './serializer-compiler.ts'
import type { ServerDeps } from './server-deps.ts'
import { serverOptions, TIMEOUTS, type Timeouts } from './timeouts.ts'
import { validatorCompiler } from './validator-compiler.ts'

export type { ServerDeps }

/** Well above the largest valid body, 32 labels. */
const BODY_BYTES_MAX = 64 * 1024

export interface ServerOptions {
  bodyBytesMax?: number
  limits?: AdmissionLimits
  timeouts?: Timeouts
  /** Whether answers are held against their schemas before they are sent. */
  checkAnswers?: boolean
  /** Addresses and networks of proxies, whose X-Forwarded-For is believed. */
  trustedProxies?: readonly string[]
}

/** The HTTP API, ready to listen or to be asked with `inject`. */
export function buildServer(deps: ServerDeps, options: ServerOptions = {}) {
  const {
    bodyBytesMax = BODY_BYTES_MAX,
    limits = NO_RATES,
    timeouts = TIMEOUTS,
    checkAnswers = true,
    trustedProxies = [],
  } = options
  const app = Fastify({
    ...serverOptions(timeouts),
    loggerInstance: deps.logger as FastifyBaseLogger,
    bodyLimit: bodyBytesMax,
    // An id from outside could be anybody else's.
    requestIdHeader: false,
    ...(trustedProxies.length > 0 && { trustProxy: [...trustedProxies] }),
    logController: new LogController({ requestIdLogLabel: 'requestId', disableRequestLogging: true }),
    genReqId: () => randomUUID(),
    frameworkErrors: (error, request, reply) => void sendProblem(error, request, reply),
    clientErrorHandler: answerBrokenRequest,
    // While it closes, the API answers what still comes; its own 503 would be no problem document.
    return503OnClosing: false,
  }).withTypeProvider<ZodTypeProvider>()
  app.removeContentTypeParser('text/plain')
  if (deps.tracing !== undefined) void app.register(deps.tracing.http)
  void app.register(requestLog, { deps })
  void app.register(lastAnswers)
  void app.register(jsonBodies)
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(checkAnswers ? checkingSerializerCompiler : trustingSerializerCompiler)

  void app.register(requestSizes)
  void app.register(problemDetails)
  void app.register(unknownRoutes)
  void app.register(openapi)
  void app.register(health, { deps })
  void app.register(metrics, { deps })
  void app.register(
    async (v1) => {
      await v1.register(admission, { limits, logger: deps.logger })
      await v1.register(authentication, { deps })
      await v1.register(conditionalRequests)
      await v1.register(lists)
      await v1.register(idempotency)
      for (const route of routes) await v1.register(route)
    },
    { prefix: '/v1' },
  )
  return app
}
