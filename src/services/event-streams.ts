import type { EventFeed } from '../db/event-feed.ts'
import { Problem } from '../domain/problem.ts'
import type { Caller } from './caller.ts'

/** How streams of events are served by one process. */
export interface StreamLimits {
  /** Between signs of life, which is also how often a key is looked at again. */
  heartbeatSeconds: number
  /** After which a stream ends, so that connections spread over the processes there are. */
  lifetimeSeconds: number
  /** After which a reader that takes nothing is given up. */
  stalledSeconds: number
  perKeyMax: number
  /** With all keys of one tenant together: it makes as many keys as it likes. */
  perTenantMax: number
}

export const STREAM_LIMITS: StreamLimits = {
  heartbeatSeconds: 15,
  lifetimeSeconds: 3600,
  stalledSeconds: 60,
  perKeyMax: 20,
  perTenantMax: 100,
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
  open(caller: Pick<Caller, 'tenantId' | 'actor'>): OpenStream
  /** Asks every stream to end, and lets no more begin. Clients reconnect, to another process or to this one's successor. */
  endAll(): void
}

export function eventStreams(feed: EventFeed, limits: StreamLimits = STREAM_LIMITS): EventStreams {
  const [ofKeys, ofTenants] = [groups(), groups()]
  let isEnding = false
  return {
    feed,
    limits,
    open({ tenantId, actor: { apiKeyId } }) {
      if (isEnding) throw new Problem('unavailable')
      const key = apiKeyId ?? 'platform'
      assertLess(ofKeys.count(key), limits.perKeyMax)
      if (tenantId !== null) assertLess(ofTenants.count(tenantId), limits.perTenantMax)
      const controller = new AbortController()
      ofKeys.add(key, controller)
      ofTenants.add(tenantId ?? 'platform', controller)
      return {
        signal: controller.signal,
        end: () => controller.abort(),
        closed() {
          ofKeys.remove(key, controller)
          ofTenants.remove(tenantId ?? 'platform', controller)
        },
      }
    },
    endAll() {
      isEnding = true
      for (const controller of ofTenants.all()) controller.abort()
    },
  }
}

/** What is open by whom; only those that have any are remembered. */
function groups() {
  const members = new Map<string, Set<AbortController>>()
  return {
    count: (name: string) => members.get(name)?.size ?? 0,
    all: () => [...members.values()].flatMap((group) => [...group]),
    add: (name: string, member: AbortController) =>
      void members.set(name, (members.get(name) ?? new Set()).add(member)),
    remove(name: string, member: AbortController) {
      const group = members.get(name)
      group?.delete(member)
      if (group?.size === 0) members.delete(name)
    },
  }
}

function assertLess(count: number, limit: number): void {
  if (count >= limit) throw new Problem('too-many-streams', { extensions: { limit } })
}
