import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { Problem } from '../../domain/problem.ts'
import { failedChecks } from '../../telemetry/readiness.ts'
import type { ServerDeps } from '../server-deps.ts'

/** GET /healthz: the process is alive. GET /readyz: what it needs answers too. */
export const health: FastifyPluginAsyncZod<{ deps: ServerDeps }> = async (app, { deps }) => {
  app.get('/healthz', { schema: { hide: true } }, async () => ({ status: 'ok' }))

  app.get('/readyz', { schema: { hide: true } }, async () => {
    const failed = await failedChecks(deps.checks)
    if (failed.length === 0) return { status: 'ready' }
    const cause = new AggregateError(failed.map(({ reason }) => reason))
    throw new Problem('unavailable', { extensions: { failed: failed.map(({ name }) => name) }, cause })
  })
}
