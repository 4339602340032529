import { z } from 'zod'
import { momentText } from '../../domain/target.ts'
import { DELIVERY_ERRORS, DELIVERY_STATUSES } from '../../domain/webhook.ts'
import { moment } from './text.ts'

export const deliveryStatus = z.enum(DELIVERY_STATUSES)

const lastAttempt = z.object({
  at: moment,
  statusCode: z.int().nullable().describe('Null when there was no answer'),
  error: z.enum(DELIVERY_ERRORS).nullable().describe('Why there was none'),
  response: z.string().describe('The beginning of the answer'),
  durationMilliseconds: z.int(),
})

export const webhookDeliverySchema = z
  .object({
    id: z.string(),
    endpointId: z.string(),
    eventId: z.string().describe('The `webhook-id` of every attempt'),
    eventType: z.string(),
    resourceId: z.string(),
    status: deliveryStatus.describe(
      '`waiting` is behind an earlier event of the same resource; `pending` is due, or due again later',
    ),
    attempts: z.int(),
    nextAttemptAt: moment.nullable(),
    lastAttempt: lastAttempt.nullable(),
    createdAt: moment,
    finishedAt: moment.nullable(),
  })
  .meta({
    id: 'WebhookDelivery',
    examples: [
      {
        id: 'dlv_01kas0d8w8e5h9xw2c5a9t7b3k',
        endpointId: 'whe_01kas0d8w8e5h9xw2c5a9t7b3k',
        eventId: 'evt_00000000016',
        eventType: 'restore.succeeded',
        resourceId: 'rst_01kas0d8w8e5h9xw2c5a9t7b3k',
        status: 'pending',
        attempts: 1,
        nextAttemptAt: '2026-11-23T13:00:04.876543Z',
        lastAttempt: {
          at: '2026-11-23T13:00:00.876543Z',
          statusCode: 503,
          error: null,
          response: 'try again later',
          durationMilliseconds: 31,
        },
        createdAt: '2026-11-23T13:00:00.345678Z',
        finishedAt: null,
      },
    ],
  })

export const webhookDeliveryParams = z.object({ endpointId: z.string(), deliveryId: z.string() })

export const webhookReplaySchema = z
  .strictObject({ since: momentText.describe('Failed deliveries that were made before are left alone') })
  .meta({ id: 'WebhookReplay', examples: [{ since: '2026-11-23T00:00:00Z' }] })

export const webhookReplayedSchema = z
  .object({ replayed: z.int().describe('How many deliveries are sent again') })
  .meta({ id: 'WebhookReplayed', examples: [{ replayed: 3 }] })
