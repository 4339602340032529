import { FastifyOtelInstrumentation } from '@fastify/otel'
import { context, propagation, ROOT_CONTEXT, SpanStatusCode, trace } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { NodeSDK } from '@opentelemetry/sdk-node'
import type { FastifyRequest } from 'fastify'
import type { InSpan, Tracing } from './traces.ts'

const ROUTINE = new Set(['/healthz', '/readyz', '/metrics'])

/** Sends spans to `<endpoint>/v1/traces`. Only `tracing.ts` imports this file, and only when it is needed. */
export function startTracing(endpoint: string, service: string): Tracing {
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/$/, '')}/v1/traces` })
  const sdk = new NodeSDK({
    serviceName: service,
    traceExporter: exporter,
    instrumentations: [],
    metricReaders: [],
    logRecordProcessors: [],
    autoDetectResources: false,
  })
  sdk.start()
  const instrumentation = new FastifyOtelInstrumentation({
    ignorePaths: ({ url }) => ROUTINE.has(url),
    instrumentHooks: false,
    instrumentHandler: false,
    recordExceptions: false,
  })
  const tracer = trace.getTracer('undrop')

  const inSpan: InSpan = ({ name, attributes, parent }, work) => {
    const from = parent === undefined ? context.active() : contextOf(parent)
    return tracer.startActiveSpan(name, { attributes }, from, async (span) => {
      try {
        return await work()
      } catch (error) {
        // Its message may hold anything; the log, which is searched for secrets, has it.
        span.setStatus({ code: SpanStatusCode.ERROR })
        throw error
      } finally {
        span.end()
      }
    })
  }
  return {
    http: instrumentation.plugin(),
    traceparentOf,
    inSpan,
    close: () => sdk.shutdown().catch(() => undefined),
  }
}

const contextOf = (traceparent: string) => propagation.extract(ROOT_CONTEXT, { traceparent })

function traceparentOf(request: FastifyRequest): string | undefined {
  const { context: opened } = request.opentelemetry()
  const carrier: { traceparent?: string } = {}
  if (opened != null) propagation.inject(opened, carrier)
  return carrier.traceparent
}
