import type { SharedDeps } from '../services/service-deps.ts'
import type { ServedRequest } from '../telemetry/http-metrics.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Checks } from '../telemetry/readiness.ts'
import type { Tracing } from '../telemetry/traces.ts'

/** What the HTTP server is wired to. */
export interface ServerDeps extends SharedDeps {
  checks: Checks
  logger: Logger
  /** Told of every request that has been answered. */
  served?: (request: ServedRequest) => void
  /** Metrics of the process itself, in Prometheus' text format. */
  processMetrics?: () => Promise<string>
  /** Absent while nothing is traced. */
  tracing?: Tracing | undefined
}
