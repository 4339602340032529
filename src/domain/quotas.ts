import { z } from 'zod'

const quota = (min: number) => z.int().min(min).nullable()

/** How much of Undrop one tenant may have; null is without end. */
export const quotasSchema = z
  .strictObject({
    addons: quota(0).optional().describe('Add-ons at a time, those made by restores among them'),
    storageBytes: quota(0)
      .optional()
      .describe(
        'Bytes of all archives, those of deleted add-ons among them. Beyond them there are no new add-ons, restores and backups on demand; what is committed is archived all the same',
      ),
    restoresPerHour: quota(1).optional().describe('Restores that are asked for within an hour'),
  })
  .meta({ id: 'Quotas', examples: [{ addons: 20, storageBytes: null, restoresPerHour: 10 }] })

export const completeQuotasSchema = quotasSchema.required().meta({ id: 'CompleteQuotas' })

export type Quotas = z.infer<typeof quotasSchema>
export type CompleteQuotas = z.infer<typeof completeQuotasSchema>

export const NO_QUOTAS: CompleteQuotas = { addons: null, storageBytes: null, restoresPerHour: null }

/** What holds for a tenant: its own, or else the platform's. A quota of its own may be null, too. */
export function effectiveQuotas(platform: CompleteQuotas, own: Quotas): CompleteQuotas {
  const { addons = platform.addons, storageBytes = platform.storageBytes } = own
  const { restoresPerHour = platform.restoresPerHour } = own
  return { addons, storageBytes, restoresPerHour }
}
