import type { EventFeed } from '../db/event-feed.ts'
import { Problem } from '../domain/problem.ts'

/** How streams of events are served by one process. */
export interface StreamLimits {
  /** Between signs of life, which is also how often a key is looked at again. */
  heartbeatSeconds: number
  /** After which a stream ends, so that connections spread over the processes there are. */
  lifetimeSeconds: number
  /** After which a reader that takes nothing is given up. */
  stalledSeconds: number
  perKeyMax: number
}

export const STREAM_LIMITS: StreamLimits = {
  heartbeatSeconds: 15,
  lifetimeSeconds: 3600,
  stalledSeconds: 60,
  perKeyMax: 20,
}

/** A stream that is open. */
export interface OpenStream {
  /** Given when it has to end. */
  readonly signal: AbortSignal
  /** Asks it to end. */
  end(): void
  /** Says that it has ended. */
  closed(): void
}

/** The streams of events that a process has open. */
export interface EventStreams {
  readonly feed: EventFeed
  readonly limits: StreamLimits
  /** @throws Problem `too-many-streams`, `unavailable` once all have been ended */
  open(apiKeyId: string | null): OpenStream
  /** Asks every stream to end, and lets no more begin. Clients reconnect, to another process or to this one's successor. */
  endAll(): void
}

export function eventStreams(feed: EventFeed, limits: StreamLimits = STREAM_LIMITS): EventStreams {
  const openOf = new Map<string, Set<AbortController>>()
  let isEnding = false
  return {
    feed,
    limits,
    open(apiKeyId) {
      if (isEnding) throw new Problem('unavailable')
      const key = apiKeyId ?? 'platform'
      const open = openOf.get(key) ?? new Set()
      if (open.size >= limits.perKeyMax)
        throw new Problem('too-many-streams', { extensions: { limit: limits.perKeyMax } })
      const controller = new AbortController()
      openOf.set(key, open.add(controller))
      return {
        signal: controller.signal,
        end: () => controller.abort(),
        closed() {
          open.delete(controller)
          if (open.size === 0 && openOf.get(key) === open) openOf.delete(key)
        },
      }
    },
    endAll() {
      isEnding = true
      for (const open of openOf.values()) for (const controller of open) controller.abort()
    },
  }
}
