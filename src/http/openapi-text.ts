import { createLogger } from '../telemetry/logger.ts'
import { buildServer, type ServerDeps } from './server.ts'

/** The OpenAPI document as openapi/openapi.json holds it. */
export async function openapiText(): Promise<string> {
  // Describing the routes runs none of them, so that nothing else of the dependencies is touched.
  const app = buildServer({ logger: createLogger({ level: 'silent' }) } as ServerDeps)
  await app.ready()
  const text = `${JSON.stringify(app.swagger(), null, 2)}\n`
  await app.close()
  return text
}
