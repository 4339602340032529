import { Problem } from '../domain/problem.ts'
import type { ServiceDeps } from './service-deps.ts'

/** @throws Problem `webhook-url-refused` for a URL that nothing is sent to */
export async function assertWebhookUrl(
  { webhookTargets }: Pick<ServiceDeps, 'webhookTargets'>,
  url: string,
): Promise<void> {
  const detail = await webhookTargets.refusalOf(url)
  if (detail !== null) throw new Problem('webhook-url-refused', { detail })
}
