import type { Tracing } from './traces.ts'

/** Traces by OTLP over HTTP when there is somewhere to send them; nothing of OpenTelemetry is loaded otherwise. */
export async function openTracing(
  endpoint: string | undefined,
  service: string,
): Promise<Tracing | undefined> {
  if (endpoint === undefined) return undefined
  const { startTracing } = await import('./open-telemetry.ts')
  return startTracing(endpoint, service)
}
