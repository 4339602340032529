import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { readWebhookDeliveries } from '../../../services/read-webhook-deliveries.ts'
import { pageQuery, pageSchema, sliceOf } from '../../schemas/page.ts'
import { problems } from '../../schemas/problem.ts'
import { deliveryStatus, webhookDeliverySchema } from '../../schemas/webhook-delivery.ts'
import { webhookEndpointParams } from '../../schemas/webhook-endpoint.ts'
import { needs } from '../../security.ts'

const querystring = z.strictObject({
  ...pageQuery('webhookDelivery'),
  status: deliveryStatus.optional(),
  eventType: z
    .string()
    .regex(/^[a-z-]+\.[a-z-]+$/, 'must be the type of an event')
    .optional(),
})

/** GET /v1/webhook-endpoints/:endpointId/deliveries */
export const listWebhookDeliveriesRoute: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/webhook-endpoints/:endpointId/deliveries',
    {
      schema: {
        operationId: 'listWebhookDeliveries',
        summary: 'List the deliveries of a webhook endpoint',
        description: 'Of the last 30 days.',
        tags: ['Webhooks'],
        security: needs('webhooks:write'),
        params: webhookEndpointParams,
        querystring,
        response: {
          200: pageSchema('WebhookDeliveryPage', webhookDeliverySchema),
          ...problems(400, 401, 403, 404, 500),
        },
      },
    },
    (request) => {
      const { endpointId } = request.params
      const slice = sliceOf(request.query)
      return readWebhookDeliveries(request.deps, request.caller, endpointId, request.query, slice)
    },
  )
}
