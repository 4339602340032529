import type { Executor } from '../db/client.ts'

export interface OutboxEvent {
  /** Null for what happens to the platform's own. */
  tenantId: string | null
  /** `<resource>.<what happened>`, such as `restore.succeeded`. */
  type: string
  /** Ids and public facts; never a secret. */
  payload: Record<string, unknown>
}

/** Writes an event beside the change it tells of: in the same transaction, so that neither is without the other. */
export async function recordEvent(tx: Executor, event: OutboxEvent): Promise<void> {
  const { tenantId, type, payload } = event
  await tx
    .insertInto('outbox_event')
    .values({
      tenant_id: tenantId,
      type,
      resource_id: resourceIdOf(event),
      payload: JSON.stringify(payload),
    })
    .execute()
}

/** Which of the ids in the payload the event is about; an archive's events are those of its add-on. */
function resourceIdOf({ tenantId, type, payload }: OutboxEvent): string {
  const [resource = ''] = type.split('.', 1)
  if (resource === 'tenant' && tenantId !== null) return tenantId
  const field = `${resource.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())}Id`
  const id = payload[resource === 'archive' ? 'addonId' : field]
  if (typeof id !== 'string') throw new Error(`an event ${type} has no ${field}`)
  return id
}
