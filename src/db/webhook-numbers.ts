import { sql } from 'kysely'
import type { DisabledReason } from '../domain/webhook.ts'
import type { Executor } from './client.ts'

/** Over all tenants, for metrics only. */
export interface WebhookNumbers {
  /** How long what is to be sent at once has waited to be: an event without deliveries, or a delivery that is due. */
  backlogSeconds: number
  /** Deliveries to enabled endpoints that have not finished, also those that wait for their next attempt. */
  pending: number
  disabled: { reason: DisabledReason; count: number }[]
}

/** A paused endpoint has asked for its backlog. */
export async function readWebhookNumbers(db: Executor): Promise<WebhookNumbers> {
  const { rows } = await sql<{ backlogSeconds: number; pending: number }>`
    select coalesce(extract(epoch from now() - min(least(due.since, untold.since))), 0)::float8 as "backlogSeconds",
           coalesce(sum(unfinished.count), 0)::integer as pending
      from webhook_endpoint as endpoint
      cross join lateral (
        select min(next_attempt_at) as since from webhook_delivery
         where endpoint_id = endpoint.id and status = 'pending' and next_attempt_at <= now()
           and (endpoint.paused_until is null or endpoint.paused_until <= now())
      ) as due
      left join lateral (
        select created_at as since from outbox_event
         where position > endpoint.position and (endpoint.tenant_id is null or tenant_id = endpoint.tenant_id)
         order by position limit 1
      ) as untold on true
      cross join lateral (
        select count(*) as count from webhook_delivery
         where endpoint_id = endpoint.id and status in ('waiting', 'pending')
      ) as unfinished
     where endpoint.enabled`.execute(db)
  const disabled = await sql<WebhookNumbers['disabled'][number]>`
    select disabled_reason as reason, count(*) as count from webhook_endpoint
     where not enabled and disabled_reason is not null group by 1`.execute(db)
  return { backlogSeconds: 0, pending: 0, ...rows[0], disabled: disabled.rows }
}
