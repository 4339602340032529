import type { Executor } from '../db/client.ts'
import { type EventData, type EventType, resourceOf } from '../domain/events.ts'

export interface OutboxEvent<Type extends EventType> {
  /** Null for what happens to the platform's own. */
  tenantId: string | null
  type: Type
  /** What the catalogue says (`domain/events.ts`). */
  payload: EventData<Type>
}

/** Writes an event beside the change it tells of: in the same transaction, so that neither is without the other. */
export async function recordEvent<Type extends EventType>(
  tx: Executor,
  { tenantId, type, payload }: OutboxEvent<Type>,
): Promise<void> {
  await tx
    .insertInto('outbox_event')
    .values({
      tenant_id: tenantId,
      type,
      resource_id: resourceOf(type, tenantId, payload),
      payload: JSON.stringify(payload),
    })
    .execute()
}
