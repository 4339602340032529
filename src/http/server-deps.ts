import type { SharedDeps } from '../services/service-deps.ts'
import type { Logger } from '../telemetry/logger.ts'

/** What the HTTP server is wired to. */
export interface ServerDeps extends SharedDeps {
  /** What must work for the process to be ready, by name; a check that fails rejects. */
  checks: Readonly<Record<string, () => Promise<void>>>
  logger: Logger
}
