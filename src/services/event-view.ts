import type { EventRow } from '../db/events.ts'
import { eventIdOf } from '../domain/event-id.ts'

/** An event as clients see it. */
export function eventView(row: EventRow) {
  return {
    id: eventIdOf(row.position),
    type: row.type,
    tenantId: row.tenantId,
    resourceId: row.resourceId,
    createdAt: row.createdAt,
    data: row.payload,
  }
}

export type EventView = ReturnType<typeof eventView>
