import fp from 'fastify-plugin'
import { Problem } from '../../domain/problem.ts'

/** Answers requests that no route takes: 405 with `Allow` where another method would do, otherwise 404. */
export const unknownRoutes = fp(
  async (app) => {
    const methodsOfPath = new Map<string, string[]>()
    app.addHook('onRoute', ({ url, method }) => {
      methodsOfPath.set(url, [...(methodsOfPath.get(url) ?? []), ...[method].flat()])
    })

    app.setNotFoundHandler((request, reply) => {
      const path = request.url.split('?', 1)[0] ?? ''
      const known = [...methodsOfPath].find(([pattern]) => matches(pattern, path))
      if (known === undefined) throw new Problem('route-not-found')
      void reply.header('allow', known[1].join(', '))
      throw new Problem('method-not-allowed')
    })
  },
  { name: 'unknown-routes' },
)

function matches(pattern: string, path: string): boolean {
  const wanted = pattern.split('/')
  const given = path.split('/')
  return (
    wanted.length === given.length &&
    wanted.every((part, index) => part.startsWith(':') || part === given[index])
  )
}
