import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { withinLimit } from './readiness.ts'

export interface Measured {
  /** Connections to the metadata database (`pg.Pool`). */
  pool: { readonly totalCount: number; readonly idleCount: number; readonly waitingCount: number }
  /** Jobs of the queue by their state. */
  queue: () => Promise<Readonly<Record<string, number>>>
}

/** Metrics of this process: the event loop and memory as prom-client names them, the metadata pool, the queue. */
export function processMetrics({ pool, queue }: Measured): Registry {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  new Gauge({
    name: 'undrop_metadata_connections',
    help: 'Connections of this process to the metadata database',
    labelNames: ['state'],
    registers,
    collect() {
      this.set({ state: 'idle' }, pool.idleCount)
      this.set({ state: 'used' }, pool.totalCount - pool.idleCount)
    },
  })
  new Gauge({
    name: 'undrop_metadata_waiting',
    help: 'Queries that wait for a connection',
    registers,
    collect() {
      this.set(pool.waitingCount)
    },
  })
  new Gauge({
    name: 'undrop_queue_jobs',
    help: 'Wake-ups in the queue',
    labelNames: ['state'],
    registers,
    async collect() {
      // What cannot be asked is left out, and not said to be 0.
      this.reset()
      const counts = await withinLimit(queue).catch(() => ({}))
      for (const [state, count] of Object.entries(counts)) this.set({ state }, count)
    },
  })
  return registry
}
