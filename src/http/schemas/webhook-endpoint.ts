import { z } from 'zod'
import { DISABLED_REASONS, EVENT_TYPE_PATTERN } from '../../domain/webhook.ts'
import { moment } from './text.ts'

const EVENT_TYPES_MAX = 32

const example = {
  id: 'whe_01kas0d8w8e5h9xw2c5a9t7b3k',
  tenantId: 'tnt_01kas0d8w8e5h9xw2c5a9t7b3k',
  url: 'https://hooks.example.com/undrop',
  description: 'Dashboard',
  eventTypes: ['restore.*', 'addon.created'],
  enabled: true,
  disabledReason: null,
  disabledAt: null,
  failingSince: null,
  createdAt: '2026-11-23T13:00:00.123456Z',
  updatedAt: '2026-11-23T13:00:00.123456Z',
}
const secretExample = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw8v0zVJ2Q1yU='

const fields = {
  url: z
    .string()
    .min(1)
    .max(2048)
    .regex(/^[!-~]+$/, 'must be printable ASCII characters without spaces')
    .describe('By https, on an address of the internet; nothing else is sent to, nor redirects followed'),
  description: z
    .string()
    .max(200)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must not have control characters or broken surrogate pairs'),
  eventTypes: z
    .array(z.string().regex(EVENT_TYPE_PATTERN, 'must be *, a resource and .*, or the type of an event'))
    .min(1)
    .max(EVENT_TYPES_MAX)
    .describe('Which events it is told of: `*`, `restore.*`, `restore.succeeded`'),
  enabled: z.boolean(),
}

const webhookEndpoint = z.object({
  id: z.string(),
  tenantId: z.string().nullable().describe('Null for the platform, which is told of the events of all'),
  ...fields,
  disabledReason: z
    .enum(DISABLED_REASONS)
    .nullable()
    .describe('Why Undrop has disabled it: it answered 410, or nothing but failures came of it for days'),
  disabledAt: moment.nullable(),
  failingSince: moment.nullable().describe('Since when no delivery has succeeded; null after one has'),
  createdAt: moment,
  updatedAt: moment,
})

export const webhookEndpointSchema = webhookEndpoint.meta({ id: 'WebhookEndpoint', examples: [example] })

const secret = z.string().describe('Shown this once')

export const createdWebhookEndpointSchema = webhookEndpoint
  .extend({ secret })
  .meta({ id: 'CreatedWebhookEndpoint', examples: [{ ...example, secret: secretExample }] })

export const webhookEndpointParams = z.object({ endpointId: z.string() })

export const newWebhookEndpointSchema = z
  .strictObject({
    tenantId: z
      .string()
      .nullable()
      .optional()
      .describe('Required with a platform key: null for an endpoint of the platform'),
    url: fields.url,
    description: fields.description.optional(),
    eventTypes: fields.eventTypes.optional().describe('All, unless given'),
    enabled: fields.enabled.optional(),
  })
  .meta({
    id: 'NewWebhookEndpoint',
    examples: [
      { url: 'https://hooks.example.com/undrop', description: 'Dashboard', eventTypes: ['restore.*'] },
    ],
  })

export const webhookEndpointChangeSchema = z
  .strictObject({
    url: fields.url.optional(),
    description: fields.description.optional(),
    eventTypes: fields.eventTypes.optional(),
    enabled: fields.enabled.optional().describe('One that is enabled again goes on where it has stopped'),
  })
  .meta({ id: 'WebhookEndpointChange', examples: [{ enabled: true }] })

const WEEK_SECONDS = 7 * 86_400

export const webhookSecretRotationSchema = z
  .strictObject({
    overlapSeconds: z
      .int()
      .min(0)
      .max(WEEK_SECONDS)
      .optional()
      .describe('How long the earlier secrets sign beside the new one; a day unless given'),
  })
  .meta({ id: 'WebhookSecretRotation', examples: [{ overlapSeconds: 3600 }] })

export const webhookSecretSchema = z.object({ secret, createdAt: moment, earlierSignUntil: moment }).meta({
  id: 'WebhookSecret',
  examples: [
    {
      secret: secretExample,
      createdAt: '2026-11-23T13:00:00.123456Z',
      earlierSignUntil: '2026-11-24T13:00:00.123456Z',
    },
  ],
})
