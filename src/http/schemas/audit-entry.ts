import { z } from 'zod'
import { moment } from './text.ts'

const facts = z.record(z.string(), z.unknown())

export const auditEntrySchema = z
  .object({
    id: z.string(),
    at: moment,
    tenantId: z.string().nullable().describe('Null where it concerns no tenant'),
    actor: z.object({
      kind: z.enum(['tenant', 'platform']).describe('Whose key it was'),
      apiKeyId: z
        .string()
        .nullable()
        .describe('Null for the key of the configuration, and to tenants for keys of the platform'),
      keyName: z.string().nullable(),
    }),
    sourceAddress: z.string().nullable().describe('Not shown to tenants where the platform acted'),
    requestId: z.string().nullable().describe('As for sourceAddress; `instance` of a problem is one'),
    action: z.string().describe('`<resource>.<verb>`'),
    resourceId: z.string(),
    detail: facts,
    before: facts.nullable().describe('What was changed, as it was; null where there was nothing'),
    after: facts.nullable().describe('What was changed, as it became; null where nothing is left'),
  })
  .meta({
    id: 'AuditEntry',
    description: 'Who did what. Entries are never changed or removed, and hold no secret.',
    examples: [
      {
        id: 'aud_4711',
        at: '2026-11-23T14:02:03.123456Z',
        tenantId: 'tnt_01kas0d8w8e5h9xw2c5a9t7b3k',
        actor: { kind: 'tenant', apiKeyId: 'key_01kas0d8w8e5h9xw2c5a9t7b3k', keyName: 'deploys' },
        sourceAddress: '203.0.113.7',
        requestId: '0b0e8d4e-2f7c-4d4e-9a53-0d0b6f7a8c11',
        action: 'addon.update',
        resourceId: 'addon_01kas0d8w8e5h9xw2c5a9t7b3k',
        detail: { name: 'shop-2' },
        before: { name: 'shop' },
        after: { name: 'shop-2' },
      },
    ],
  })
