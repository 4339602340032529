import { DISABLED_REASONS } from '../domain/webhook.ts'
import type { Fleet } from '../services/read-fleet.ts'
import type { Metric } from '../telemetry/metrics.ts'

export function webhookMetrics({ webhooks }: Fleet): Metric[] {
  const disabledBy = (reason: string) => webhooks.disabled.find((each) => each.reason === reason)?.count ?? 0
  return [
    {
      name: 'undrop_webhook_backlog_seconds',
      help: 'How long what is to be sent to webhook endpoints at once has waited for it',
      values: [{ value: webhooks.backlogSeconds }],
    },
    {
      name: 'undrop_webhook_deliveries_pending',
      help: 'Deliveries to enabled webhook endpoints that have not finished',
      values: [{ value: webhooks.pending }],
    },
    {
      name: 'undrop_webhook_endpoints_disabled',
      help: 'Webhook endpoints that Undrop has disabled',
      values: DISABLED_REASONS.map((reason) => ({ labels: { reason }, value: disabledBy(reason) })),
    },
  ]
}
