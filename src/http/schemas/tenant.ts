import { z } from 'zod'
import { backupPolicySchema } from '../../domain/backup-policy.ts'
import { completeQuotasSchema, quotasSchema } from '../../domain/quotas.ts'
import { displayName, moment } from './text.ts'

export const maxConcurrentOperations = z
  .int()
  .min(1)
  .max(1000)
  .describe('How many operations run at once; others wait')

export const tenantBackupPolicy = backupPolicySchema.describe(
  'What its add-ons have where they say nothing else. What it leaves out comes from the platform',
)

export const tenantQuotas = quotasSchema.describe(
  'How much it may have; null is without end. What it leaves out comes from the platform',
)

export const tenantSchema = z
  .object({
    id: z.string(),
    name: displayName,
    maxConcurrentOperations,
    backupPolicy: tenantBackupPolicy,
    quotas: tenantQuotas,
    effectiveQuotas: completeQuotasSchema,
    createdAt: moment,
  })
  .meta({
    id: 'Tenant',
    examples: [
      {
        id: 'tnt_01kas0d8w8e5h9xw2c5a9t7b3k',
        name: 'Acme',
        maxConcurrentOperations: 4,
        backupPolicy: { retentionDays: 30 },
        quotas: { addons: 20 },
        effectiveQuotas: { addons: 20, storageBytes: null, restoresPerHour: null },
        createdAt: '2026-11-23T13:00:00.123456Z',
      },
    ],
  })

export const tenantParams = z.object({ tenantId: z.string() })
