import { oneAtATime } from '../lib/one-at-a-time.ts'
import type { Db, MetadataConnection } from './client.ts'
import { EVENTS_CHANNEL } from './event-positions.ts'
import { lastPosition, tenantsWithEventsAfter } from './events.ts'
import { type Listener, listen } from './listen.ts'
import type { TenantScope } from './tenant-scope.ts'

/** Tells whoever reads events that there are more of them. */
export interface EventFeed {
  /** Calls `wake` whenever there are new events in the scope; returns how to end that. */
  subscribe(scope: TenantScope, wake: () => void): () => void
  close(): Promise<void>
}

/** For what was told while nobody could listen. */
const POLL_SECONDS = 1

/**
 * One session listens for a whole process, however many read, and one query tells whose events have come. Nothing is
 * opened before somebody subscribes.
 * @param db sees every tenant
 */
export function openEventFeed(
  db: Db,
  metadata: MetadataConnection,
  onError: (error: unknown) => void,
): EventFeed {
  const subscribers = new Set<{ scope: TenantScope; wake: () => void }>()
  let seen: number | null = null
  let listener: Listener | undefined
  let timer: NodeJS.Timeout | undefined

  const looking = oneAtATime(async () => {
    if (seen === null) {
      seen = await lastPosition(db, 'every-tenant')
      for (const { wake } of subscribers) wake()
      return
    }
    const news = await tenantsWithEventsAfter(db, seen)
    if (news.length === 0) return
    seen = Math.max(...news.map(({ position }) => position))
    const tenants = new Set(news.map(({ tenantId }) => tenantId))
    for (const { scope, wake } of subscribers)
      if (scope === 'every-tenant' || tenants.has(scope.tenantId)) wake()
  }, onError)
  const lookForSomebody = () => {
    if (subscribers.size > 0) looking.ask()
  }

  return {
    subscribe(scope, wake) {
      const subscriber = { scope, wake }
      // What came while nobody was there is for nobody to be woken by.
      if (subscribers.size === 0) seen = null
      subscribers.add(subscriber)
      listener ??= listen(metadata, EVENTS_CHANNEL, lookForSomebody, onError)
      timer ??= setInterval(lookForSomebody, POLL_SECONDS * 1000)
      looking.ask()
      return () => void subscribers.delete(subscriber)
    },
    async close() {
      clearInterval(timer)
      await listener?.close()
      await looking.stop()
    },
  }
}
