import { z } from 'zod'
import { restorePointName } from '../../domain/target.ts'
import { failureSchema } from './failure.ts'
import { moment } from './text.ts'

export const restorePointSchema = z
  .object({
    id: z.string(),
    tenantId: z.string(),
    addonId: z.string(),
    name: z.string(),
    status: z
      .enum(['queued', 'archived', 'failed'])
      .describe('It can be restored to once it is archived. A name stays taken, also by one that failed'),
    lsn: z.string().nullable().describe('The end of its record in WAL'),
    timeline: z.int().nullable(),
    madeAt: moment.nullable().describe('By the clock of the server'),
    failure: failureSchema.nullable(),
    createdAt: moment,
    finishedAt: moment.nullable(),
  })
  .meta({
    id: 'RestorePoint',
    examples: [
      {
        id: 'rpt_01kas0d8w8e5h9xw2c5a9t7b3k',
        tenantId: 'tnt_01kas0d8w8e5h9xw2c5a9t7b3k',
        addonId: 'addon_01kas0d8w8e5h9xw2c5a9t7b3k',
        name: 'before-upgrade',
        status: 'archived',
        lsn: '0/40000D8',
        timeline: 1,
        madeAt: '2026-11-23T14:00:00.123456Z',
        failure: null,
        createdAt: '2026-11-23T14:00:00.045678Z',
        finishedAt: '2026-11-23T14:00:00.456789Z',
      },
    ],
  })

export const newRestorePointSchema = z
  .strictObject({ name: restorePointName.describe('Of its own among the restore points of the add-on') })
  .meta({ id: 'NewRestorePoint', examples: [{ name: 'before-upgrade' }] })
