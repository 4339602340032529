import type { ColumnType, Generated, Selectable } from 'kysely'
import type { Moment } from '../domain/moment.ts'
import type { DeliveryError, DeliveryStatus, DisabledReason } from '../domain/webhook.ts'

/** Where somebody is told of events; the platform where `tenant_id` is null. */
export interface WebhookEndpointTable {
  id: string
  tenant_id: string | null
  url: string
  description: string
  event_types: string[]
  enabled: Generated<boolean>
  disabled_reason: DisabledReason | null
  disabled_at: Moment | null
  position: number
  failing_since: Moment | null
  paused_until: Moment | null
  claimed_at: Moment | null
  created_at: Moment
  updated_at: Moment
}

export interface WebhookSecretTable {
  id: string
  endpoint_id: string
  tenant_id: string | null
  secret_sealed: string
  created_at: Moment
  expires_at: Moment | null
}

/** One event for one endpoint. */
export interface WebhookDeliveryTable {
  id: string
  endpoint_id: string
  tenant_id: string | null
  event_position: number
  event_type: string
  resource_id: string
  data: ColumnType<Record<string, unknown>, string, string>
  occurred_at: Moment
  status: DeliveryStatus
  attempts: Generated<number>
  next_attempt_at: Moment | null
  lease_token: string | null
  first_attempted_at: Moment | null
  last_attempted_at: Moment | null
  last_status_code: number | null
  last_error: DeliveryError | null
  last_response: string | null
  last_duration_milliseconds: number | null
  created_at: Moment
  finished_at: Moment | null
}

export type WebhookEndpointRow = Selectable<WebhookEndpointTable>
export type WebhookSecretRow = Selectable<WebhookSecretTable>
export type WebhookDeliveryRow = Selectable<WebhookDeliveryTable>

export interface WebhookTables {
  webhook_endpoint: WebhookEndpointTable
  webhook_secret: WebhookSecretTable
  webhook_delivery: WebhookDeliveryTable
}
