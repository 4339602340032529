import { createWebhookEndpointRoute } from './create-endpoint.ts'
import { deleteWebhookEndpointRoute } from './delete-endpoint.ts'
import { getWebhookDeliveryRoute } from './get-delivery.ts'
import { getWebhookEndpointRoute } from './get-endpoint.ts'
import { listWebhookDeliveriesRoute } from './list-deliveries.ts'
import { listWebhookEndpointsRoute } from './list-endpoints.ts'
import { replayWebhookDeliveryRoute } from './replay-delivery.ts'
import { replayFailedWebhookDeliveriesRoute } from './replay-failed.ts'
import { rotateWebhookSecretRoute } from './rotate-secret.ts'
import { testWebhookEndpointRoute } from './test-endpoint.ts'
import { updateWebhookEndpointRoute } from './update-endpoint.ts'

/** Every operation on webhook endpoints and their deliveries. */
export const webhookRoutes = [
  createWebhookEndpointRoute,
  deleteWebhookEndpointRoute,
  getWebhookDeliveryRoute,
  getWebhookEndpointRoute,
  listWebhookDeliveriesRoute,
  listWebhookEndpointsRoute,
  replayWebhookDeliveryRoute,
  replayFailedWebhookDeliveriesRoute,
  rotateWebhookSecretRoute,
  testWebhookEndpointRoute,
  updateWebhookEndpointRoute,
]
