import type { Executor } from '../db/client.ts'

export interface OutboxEvent {
  tenantId: string
  /** `<resource>.<what happened>`, such as `restore.succeeded`. */
  type: string
  /** Ids and public facts; never a secret. */
  payload: Record<string, unknown>
}

/** Writes an event beside the change it tells of: in the same transaction, so that neither is without the other. */
export async function recordEvent(tx: Executor, event: OutboxEvent): Promise<void> {
  await tx
    .insertInto('outbox_event')
    .values({ tenant_id: event.tenantId, type: event.type, payload: JSON.stringify(event.payload) })
    .execute()
}
