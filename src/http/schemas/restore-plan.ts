import { z } from 'zod'
import { backupType } from './backup.ts'
import { exclusiveFits, restoreSchema, wantedState, whereExclusiveFits } from './restore.ts'
import { moment } from './text.ts'

export const planRequestSchema = z
  .strictObject(wantedState)
  .refine(exclusiveFits, whereExclusiveFits)
  .meta({ id: 'NewRestorePlan', examples: [{ target: { time: '2026-11-23T15:00:00.123456+01:00' } }] })

const seconds = z.number()

const warning = z.object({
  code: z.enum(['archiving-stalled', 'gap-elsewhere', 'backup-damaged', 'rates-assumed', 'disk-nearly-full']),
  detail: z.string(),
})

export const restorePlanSchema = z
  .object({
    target: restoreSchema.shape.target,
    exclusive: z.boolean(),
    backup: z
      .object({
        id: z.string(),
        type: backupType,
        label: z.string(),
        stoppedAt: moment,
        sizeBytes: z.number().nullable(),
      })
      .describe('The base backup that the restore would begin with'),
    walSegments: z.int().describe('Archived WAL segments from the beginning of the backup to the target'),
    walBytes: z.number().describe('Their size in the archive'),
    estimatedSeconds: z.object({ fetching: seconds, replaying: seconds, other: seconds, total: seconds }),
    basis: z
      .enum(['measured', 'assumed'])
      .describe('Whether the estimate rests on earlier restores or on assumptions'),
    diskBytes: z.number().describe('Disk space that the restore takes'),
    warnings: z.array(warning).readonly(),
  })
  .meta({
    id: 'RestorePlan',
    description: 'What a restore would take, as seen in the archive now',
    examples: [
      {
        target: { time: '2026-11-23T14:00:00.123456Z' },
        exclusive: false,
        backup: {
          id: 'bak_01kas0d8w8e5h9xw2c5a9t7b3k',
          type: 'full',
          label: '20261123-130003F',
          stoppedAt: '2026-11-23T13:00:05.000000Z',
          sizeBytes: 31_457_280,
        },
        walSegments: 61,
        walBytes: 8_912_896,
        estimatedSeconds: { fetching: 0.6, replaying: 7.6, other: 1.1, total: 9.3 },
        basis: 'measured',
        diskBytes: 1_160_354_202,
        warnings: [],
      },
    ],
  })
