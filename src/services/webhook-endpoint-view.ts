import type { WebhookEndpointRow } from '../db/webhook-tables.ts'

/** An endpoint without its secrets, which nobody can read again. */
export function webhookEndpointView(row: WebhookEndpointRow) {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    url: row.url,
    description: row.description,
    eventTypes: row.event_types,
    enabled: row.enabled,
    disabledReason: row.disabled_reason,
    disabledAt: row.disabled_at,
    failingSince: row.failing_since,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}
