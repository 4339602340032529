import { z } from 'zod'
import { SCOPES } from '../../domain/scopes.ts'
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
}

/** What a tenant's key may do. */
export const scopes = z
  .array(z.enum(SCOPES))
  .min(1)
  .max(SCOPES.length)
  .describe('`admin` stands for all of them and looks after the tenant itself')

const apiKey = z.object({
  id: z.string(),
  tenantId: z.string().nullable(),
  name: displayName,
  scopes,
  createdAt: moment,
  expiresAt: moment.nullable(),
  lastUsedAt: moment.nullable().describe('To the minute'),
  revokedAt: moment.nullable(),
})

export const apiKeySchema = apiKey.meta({ id: 'ApiKey', examples: [example] })

export const newApiKeySchema = apiKey
  .extend({ secret: z.string().describe('Shown this once') })
  .meta({ id: 'NewApiKey', examples: [{ ...example, secret: 'udk_…' }] })
