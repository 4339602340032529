import type { Db } from '../db/client.ts'
import { lastPosition, prunedPosition, readEventsAfter } from '../db/events.ts'
import type { TenantScope } from '../db/tenant-scope.ts'
import { eventIdOf } from '../domain/event-id.ts'
import type { Scope } from '../domain/scopes.ts'
import { keyIsGood } from './authenticate.ts'
import { newBell } from './bell.ts'
import { type Caller, scopeOf } from './caller.ts'
import type { EventStreams, OpenStream } from './event-streams.ts'
import { type EventView, eventView } from './event-view.ts'
import { requireKnownAddon } from './read-addons.ts'
import { assertNoneMissed, type WantedEvents } from './read-events.ts'
import type { ServiceDeps } from './service-deps.ts'

/** An event, or the id up to which there is nothing more to tell: a stream can be taken up from either. */
export type StreamItem = EventView | { id: string; type?: never }

/** What a key needs to be told events, for as long as it is. */
export const STREAM_SCOPES: readonly Scope[] = ['addons:read']

const PAGE = 100

/**
 * Events as they come, each once and in order, from behind that position on; without one, from now on. Nothing is read
 * ahead of whoever takes them. It ends when the key may not read events any more, which then is told of nothing that
 * happens afterwards, when the process does, and after a while.
 * @throws Problem `tenant-not-found`, `addon-not-found`, `events-pruned`, `too-many-streams`, `unavailable`
 */
export async function streamEvents(
  deps: Pick<ServiceDeps, 'db' | 'now' | 'eventStreams'>,
  caller: Caller,
  { tenantId, ...filter }: WantedEvents,
  after: number | undefined,
): Promise<{ items: AsyncGenerator<StreamItem>; stream: OpenStream }> {
  const { db, now, eventStreams } = deps
  const scope = scopeOf(caller, tenantId)
  await requireKnownAddon(db, scope, filter.addonId)
  if (after !== undefined) await assertNoneMissed(db, scope, after)
  const stream = eventStreams.open(caller)
  const pulse = { waitsForReaderSince: null }
  const mayListen = () => keyIsGood(db, caller, STREAM_SCOPES, now())
  const watch = watchOver(eventStreams, mayListen, stream, pulse)
  stream.signal.addEventListener('abort', () => clearInterval(watch), { once: true })
  const items = follow({ db, scope, filter, after, stream, eventStreams, mayListen, pulse })
  return { items, stream }
}

/** When the reader was given what it has not taken yet. */
interface Pulse {
  waitsForReaderSince: number | null
}

function watchOver(
  eventStreams: EventStreams,
  mayListen: () => Promise<boolean>,
  stream: OpenStream,
  pulse: Pulse,
): NodeJS.Timeout {
  const { heartbeatSeconds, lifetimeSeconds, stalledSeconds } = eventStreams.limits
  const endAt = performance.now() + lifetimeSeconds * 1000
  const look = async () => {
    const at = performance.now()
    const isStalled = at - (pulse.waitsForReaderSince ?? at) > stalledSeconds * 1000
    if (at >= endAt || isStalled || !(await mayListen())) stream.end()
  }
  // A key that cannot be looked up opens nothing.
  return setInterval(() => void look().catch(stream.end), Math.min(heartbeatSeconds, lifetimeSeconds) * 1000)
}

interface Following {
  db: Db
  scope: TenantScope
  filter: Omit<WantedEvents, 'tenantId'>
  after: number | undefined
  stream: OpenStream
  eventStreams: EventStreams
  mayListen: () => Promise<boolean>
  pulse: Pulse
}

async function* follow({ db, scope, filter, after, stream, eventStreams, mayListen, pulse }: Following) {
  const { feed, limits } = eventStreams
  const bell = newBell()
  // Before anything is read, so that nothing comes in between.
  const unsubscribe = feed.subscribe(scope, bell.ring)
  const { signal } = stream
  try {
    let position = after ?? (await lastPosition(db, scope))
    let mayBePruned = true
    yield* given(pulse, { id: eventIdOf(position) })
    while (!signal.aborted) {
      const last = await lastPosition(db, scope)
      const rows = await readEventsAfter(db, scope, filter, { after: position, limit: PAGE })
      // Far behind: whoever comes again is told what has happened.
      if (mayBePruned && (await prunedPosition(db, scope)) > position) return
      // Asked afterwards: of what was committed after the key had ended nothing is told.
      if (rows.length > 0 && !(await mayListen())) return
      for (const row of rows) {
        if (signal.aborted) return
        yield* given(pulse, eventView(row))
        position = row.position
      }
      mayBePruned = rows.length === PAGE
      if (mayBePruned) continue
      position = Math.max(position, last)
      if (!(await bell.wait(limits.heartbeatSeconds, signal)))
        yield* given(pulse, { id: eventIdOf(position) })
    }
  } finally {
    unsubscribe()
    stream.end()
    stream.closed()
  }
}

function* given(pulse: Pulse, item: StreamItem): Generator<StreamItem> {
  pulse.waitsForReaderSince = performance.now()
  yield item
  pulse.waitsForReaderSince = null
}
