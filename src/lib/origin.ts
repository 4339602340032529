import { AsyncLocalStorage } from 'node:async_hooks'

/** The request that work comes from, so that what is done much later, in another process, can be traced to it. */
export interface Origin {
  requestId: string
  /** W3C Trace Context, section 3.2; there while traces are exported. */
  traceparent?: string
}

const storage = new AsyncLocalStorage<Origin | null>()

/** Runs the work as that request's; null for work that nobody has asked for. */
export function withOrigin<Result>(origin: Origin | null, work: () => Result): Result {
  return storage.run(origin, work)
}

export function currentOrigin(): Origin | null {
  return storage.getStore() ?? null
}
