import { z } from 'zod'

const usage = { used: z.int(), limit: z.int().nullable().describe('Null where there is none') }

export const tenantUsageSchema = z
  .object({
    addons: z.object(usage).describe('Add-ons that are not deleted yet, those made by restores among them'),
    storageBytes: z.object(usage).describe('All archives, when each was last listed'),
    restoresPerHour: z.object(usage).describe('Restores that were asked for within the last hour'),
    concurrentOperations: z
      .object({ ...usage, limit: z.int(), queued: z.int().describe('Operations that wait') })
      .describe('Operations that run'),
  })
  .meta({
    id: 'TenantUsage',
    examples: [
      {
        addons: { used: 12, limit: 20 },
        storageBytes: { used: 8_053_063_680, limit: null },
        restoresPerHour: { used: 1, limit: 10 },
        concurrentOperations: { used: 2, limit: 4, queued: 0 },
      },
    ],
  })
