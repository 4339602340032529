import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { type ClaimedDelivery, claimDeliveries } from '../../db/webhook-dispatch.ts'
import type { Moment } from '../../domain/moment.ts'
import { type AttemptDeps, type AttemptResult, attempt } from './attempt.ts'
import { fanOut } from './fan-out.ts'
import { settle } from './settle.ts'

export interface DispatcherDeps extends AttemptDeps {
  now: () => Moment
  onError(error: unknown): void
}

/** Attempts that go on at once: of a process, and over all processes. */
const LIMITS = { capacity: 200, perEndpoint: 5, perTenant: 10 }
/** Longer than an attempt can take, also for a process that has to wait for its processor. */
const LEASE_SECONDS = 60
const IDLE_MILLISECONDS = 500
const AFTER_ERROR_MILLISECONDS = 5000

export interface Dispatcher {
  /**
   * Makes deliveries of new events that are placed (`event-placer.ts`), and begins those that are due, without waiting for their end.
   * @returns whether there may be more to do at once
   */
  pass(): Promise<boolean>
  /** Once all that has been begun has ended. */
  settled(): Promise<void>
}

/**
 * Tells endpoints of events: each at least once, and those of one resource one after another. Several dispatchers may be
 * at it; what one that has died was sending is sent again when its lease is over.
 * @param ended called after each attempt, when others may have become due
 */
export function webhookDispatcher(deps: DispatcherDeps, ended: () => void = () => {}): Dispatcher {
  const { db, now, onError } = deps
  const underway = new Set<Promise<void>>()

  const deliver = async (delivery: ClaimedDelivery) => {
    const result = await attempt(deps, delivery, now()).catch((error: unknown) => {
      onError(error)
      return NOT_SENT
    })
    await settle(db, delivery, result, now())
  }
  const begin = (delivery: ClaimedDelivery) => {
    const work = deliver(delivery)
      .catch(onError)
      .finally(() => {
        underway.delete(work)
        ended()
      })
    underway.add(work)
  }

  return {
    async pass() {
      const more = await fanOut(db, now())
      const capacity = LIMITS.capacity - underway.size
      const limits = { ...LIMITS, capacity, leaseSeconds: LEASE_SECONDS }
      const claimed = await claimDeliveries(db, now(), randomUUID(), limits)
      for (const delivery of claimed) begin(delivery)
      return more || claimed.length > 0
    },

    async settled() {
      while (underway.size > 0) await Promise.all(underway)
    },
  }
}

/** What cannot even be signed is tried again like the rest. */
const NOT_SENT: AttemptResult = {
  statusCode: null,
  error: 'not-sent',
  retryAfter: null,
  body: '',
  durationMilliseconds: 0,
}

/** Runs a dispatcher until it is closed, which waits for the attempts that have begun. */
export function startDispatcher(deps: DispatcherDeps): { close(): Promise<void> } {
  const stopping = new AbortController()
  let pausing = new AbortController()
  const dispatcher = webhookDispatcher(deps, () => pausing.abort())
  const run = async () => {
    while (!stopping.signal.aborted) {
      pausing = new AbortController()
      const pause = await dispatcher.pass().then(
        (more) => (more ? 0 : IDLE_MILLISECONDS),
        (error: unknown) => {
          deps.onError(error)
          return AFTER_ERROR_MILLISECONDS
        },
      )
      await delay(pause, undefined, { signal: AbortSignal.any([stopping.signal, pausing.signal]) }).catch(
        () => {},
      )
    }
  }
  const running = run()
  return {
    async close() {
      stopping.abort()
      await running
      await dispatcher.settled()
    },
  }
}
