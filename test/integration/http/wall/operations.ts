import type { RouteOptions } from 'fastify'
import type { OpenAPIV3_1 } from 'openapi-types'
import { type Operation, operationsOf } from '../openapi-operations.ts'
import type { Api } from '../test-api.ts'
import type { Faults } from './faults.ts'
import type { Ground } from './ground.ts'

/** Every operation that this API documents, whatever it has been given beside its own. */
export async function operationsIn({ app }: Api): Promise<Operation[]> {
  await app.ready()
  return operationsOf(app.swagger() as OpenAPIV3_1.Document)
}

export async function faultsOf(
  ground: Ground,
  operations: readonly Operation[],
  find: (ground: Ground, operation: Operation) => Faults,
): Faults {
  const faults: string[] = []
  for (const operation of operations) faults.push(...(await find(ground, operation)))
  return faults
}

/** Tells afterwards which routes below /v1 the document does not have. */
export function hiddenRoutes({ app }: Api): (operations: readonly Operation[]) => Promise<string[]> {
  const routes: string[] = []
  app.addHook('onRoute', ({ method, url }: RouteOptions) => {
    for (const each of [method].flat()) if (each !== 'HEAD') routes.push(`${each} ${url}`)
  })
  return async (operations) => {
    await app.ready()
    const documented = operations.map(({ method, path }) => `${method} ${path.replace(/\{(\w+)\}/g, ':$1')}`)
    return routes.filter((route) => route.includes(' /v1') && !documented.includes(route))
  }
}
