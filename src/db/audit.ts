import type { Executor } from './client.ts'
import { markApplied } from './idempotency-keys.ts'

/** Who asks, and from where. */
export interface Actor {
  apiKeyId: string | null
  requestId: string
  sourceAddress: string
  /** The row of the request's Idempotency-Key, which the change is noted in. */
  idempotencyKeyId?: string
}

export interface AuditEntry {
  actor: Actor
  tenantId: string | null
  /** `<resource>.<verb>`, such as `addon.create`. */
  action: string
  resourceId: string
  /** Public facts; never a secret. */
  detail?: Record<string, unknown>
  /** What was changed, as clients see it. */
  before?: Record<string, unknown>
  after?: Record<string, unknown>
}

/**
 * Records who did what to which resource, in the transaction that does it.
 * @throws Problem `idempotency-key-in-use` when the request has been taken over
 */
export async function recordAudit(
  tx: Executor,
  { actor, tenantId, action, resourceId, detail = {}, before, after }: AuditEntry,
): Promise<void> {
  if (actor.idempotencyKeyId !== undefined)
    await markApplied(tx, actor.idempotencyKeyId, {
      ...{ tenantId, action, resourceId },
      apiKeyId: actor.apiKeyId,
    })
  await tx
    .insertInto('audit_entry')
    .values({
      tenant_id: tenantId,
      api_key_id: actor.apiKeyId,
      action,
      resource_id: resourceId,
      request_id: actor.requestId,
      source_address: actor.sourceAddress,
      detail: JSON.stringify(detail),
      before: before === undefined ? null : JSON.stringify(before),
      after: after === undefined ? null : JSON.stringify(after),
    })
    .execute()
}
