import type { FastifyPluginCallback, FastifyRequest } from 'fastify'

export interface Span {
  name: string
  attributes: Readonly<Record<string, string | number>>
  /** Of another process, as W3C Trace Context writes it; otherwise the span that is open. */
  parent?: string | undefined
}

/** Runs the work as one span; what it throws is noted in it. */
export type InSpan = <Result>(span: Span, work: () => Promise<Result>) => Promise<Result>

export interface Tracing {
  /** Opens a span for each request. */
  http: FastifyPluginCallback
  traceparentOf(request: FastifyRequest): string | undefined
  inSpan: InSpan
  /** Sends what is left. */
  close(): Promise<void>
}
