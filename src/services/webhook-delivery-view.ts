import type { WebhookDeliveryRow } from '../db/webhook-tables.ts'
import { eventIdOf } from '../domain/event-id.ts'

export function webhookDeliveryView(row: WebhookDeliveryRow) {
  return {
    id: row.id,
    endpointId: row.endpoint_id,
    eventId: eventIdOf(row.event_position),
    eventType: row.event_type,
    resourceId: row.resource_id,
    status: row.status,
    attempts: row.attempts,
    nextAttemptAt: row.next_attempt_at,
    lastAttempt:
      row.last_attempted_at === null
        ? null
        : {
            at: row.last_attempted_at,
            statusCode: row.last_status_code,
            error: row.last_error,
            response: row.last_response ?? '',
            durationMilliseconds: row.last_duration_milliseconds ?? 0,
          },
    createdAt: row.created_at,
    finishedAt: row.finished_at,
  }
}
