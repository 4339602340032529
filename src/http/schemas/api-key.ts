import { z } from 'zod'
import { SCOPES } from '../../domain/scopes.ts'
import { momentText } from '../../domain/target.ts'
import { pageSchema } from './page.ts'
import { displayName, moment } from './text.ts'

const example = {
  id: 'key_01kas0d8w8e5h9xw2c5a9t7b3k',
  tenantId: 'tnt_01kas0d8w8e5h9xw2c5a9t7b3k',
  name: 'deploy',
  scopes: ['addons:read', 'restores:write'],
  createdAt: '2026-11-23T13:00:00.123456Z',
  expiresAt: null,
  lastUsedAt: null,
  revokedAt: null,
  replacedBy: null,
}

/** What a tenant's key may do. */
export const scopes = z
  .array(z.enum(SCOPES))
  .min(1)
  .max(SCOPES.length)
  .describe('`admin` stands for all of them and looks after the tenant itself')

const apiKey = z.object({
  id: z.string(),
  tenantId: z.string().nullable().describe('Null for a key of the platform'),
  name: displayName,
  scopes,
  createdAt: moment,
  expiresAt: moment.nullable(),
  lastUsedAt: moment.nullable().describe('To the minute'),
  revokedAt: moment.nullable(),
  replacedBy: z.string().nullable().describe('The key that was made when this one was rotated'),
})

export const apiKeySchema = apiKey.meta({ id: 'ApiKey', examples: [example] })

export const apiKeyPageSchema = pageSchema('ApiKeyPage', apiKeySchema)

export const newApiKeySchema = apiKey
  .extend({ secret: z.string().describe('Shown this once') })
  .meta({ id: 'NewApiKey', examples: [{ ...example, secret: 'udk_…' }] })

const OVERLAP_DEFAULT_SECONDS = 24 * 3600
const OVERLAP_SECONDS_MAX = 30 * 24 * 3600

export const rotationSchema = z
  .strictObject({
    overlapSeconds: z
      .int()
      .min(0)
      .max(OVERLAP_SECONDS_MAX)
      .default(OVERLAP_DEFAULT_SECONDS)
      .describe('How long the old key goes on working; never longer than it would have. 0 ends it at once'),
    expiresAt: momentText
      .nullable()
      .optional()
      .describe('When the new key ends, null for never; with the old one where it is not given'),
  })
  .meta({ id: 'ApiKeyRotation', examples: [{ overlapSeconds: 3600 }] })

export const tenantKeyParams = z.object({ tenantId: z.string(), apiKeyId: z.string() })
export const platformKeyParams = z.object({ platformKeyId: z.string() })
