import type { Executor } from '../db/client.ts'
import { type EventFilter, givenPosition, prunedPosition, readEventsAfter } from '../db/events.ts'
import type { TenantScope } from '../db/tenant-scope.ts'
import { Problem } from '../domain/problem.ts'
import { type Caller, scopeOf } from './caller.ts'
import { eventView } from './event-view.ts'
import { pageOf } from './page.ts'
import { requireKnownAddon } from './read-addons.ts'
import type { ServiceDeps } from './service-deps.ts'

/** Which events are wanted. */
export interface WantedEvents extends EventFilter {
  tenantId?: string | undefined
}

/**
 * Events in the order in which they are told everywhere, the oldest that is kept first.
 * @param after only those behind that position
 * @throws Problem `tenant-not-found`, `addon-not-found`, `events-pruned`
 */
export async function readEvents(
  { db }: Pick<ServiceDeps, 'db'>,
  caller: Caller,
  { tenantId, ...filter }: WantedEvents,
  { after, limit }: { after: number | undefined; limit: number },
) {
  const scope = scopeOf(caller, tenantId)
  await requireKnownAddon(db, scope, filter.addonId)
  const rows = await readEventsAfter(db, scope, filter, { after: after ?? 0, limit: limit + 1 })
  // Asked afterwards, so that none can go in between.
  if (after !== undefined) await assertNoneMissed(db, scope, after)
  return pageOf(rows.map(eventView), { limit, after: undefined }, (event) => event)
}

/**
 * @throws Problem `events-pruned` when events of the scope that stand after the position have been removed, and when no
 * event has come so far: the metadata has been taken back to an earlier state, and what was told since is not in it
 */
export async function assertNoneMissed(ex: Executor, scope: TenantScope, after: number): Promise<void> {
  if ((await givenPosition(ex)) < after)
    throw new Problem('events-pruned', { detail: 'No event that is known has that id, or a later one.' })
  if ((await prunedPosition(ex, scope)) > after) throw new Problem('events-pruned')
}
