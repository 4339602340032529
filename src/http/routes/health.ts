import { setTimeout } from 'node:timers/promises'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { Problem } from '../../domain/problem.ts'
import type { ServerDeps } from '../server-deps.ts'

const CHECK_SECONDS_MAX = 1

/** GET /healthz: the process is alive. GET /readyz: what it needs answers too. */
export const health: FastifyPluginAsyncZod<{ deps: ServerDeps }> = async (app, { deps }) => {
  app.get('/healthz', { schema: { hide: true } }, async () => ({ status: 'ok' }))

  app.get('/readyz', { schema: { hide: true } }, async () => {
    const names = Object.keys(deps.checks)
    const results = await Promise.allSettled(Object.values(deps.checks).map(withinLimit))
    const failed = names.filter((_, index) => results[index]?.status === 'rejected')
    if (failed.length === 0) return { status: 'ready' }
    const cause = new AggregateError(
      results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : [])),
    )
    throw new Problem('unavailable', { extensions: { failed }, cause })
  })
}

async function withinLimit(check: () => Promise<void>): Promise<void> {
  const limit = setTimeout(CHECK_SECONDS_MAX * 1000, undefined, { ref: false })
  const late = limit.then(() => Promise.reject(new Error('the check takes too long')))
  await Promise.race([check(), late])
}
