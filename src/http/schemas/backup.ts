import { z } from 'zod'
import { failureSchema } from './failure.ts'
import { moment } from './text.ts'

export const backupType = z.enum(['full', 'differential', 'incremental'])

export const backupSchema = z
  .object({
    id: z.string(),
    tenantId: z.string(),
    addonId: z.string(),
    type: backupType,
    status: z.enum(['queued', 'running', 'succeeded', 'failed', 'cancelled']),
    timeline: z.int().nullable(),
    startLsn: z.string().nullable(),
    stopLsn: z.string().nullable(),
    sizeBytes: z.number().nullable().describe('Of the database'),
    repositorySizeBytes: z.number().nullable().describe('Of what the backup added to the archive'),
    startedAt: moment.nullable(),
    stoppedAt: moment.nullable(),
    damagedAt: moment
      .nullable()
      .describe('When it was found to be damaged: it is not restored from any more'),
    failure: failureSchema.nullable(),
    createdAt: moment,
    finishedAt: moment.nullable(),
  })
  .meta({
    id: 'Backup',
    examples: [
      {
        id: 'bak_01kas0d8w8e5h9xw2c5a9t7b3k',
        tenantId: 'tnt_01kas0d8w8e5h9xw2c5a9t7b3k',
        addonId: 'addon_01kas0d8w8e5h9xw2c5a9t7b3k',
        type: 'full',
        status: 'succeeded',
        timeline: 1,
        startLsn: '0/2000028',
        stopLsn: '0/2000100',
        sizeBytes: 31_457_280,
        repositorySizeBytes: 4_194_304,
        startedAt: '2026-11-23T13:00:03.000000Z',
        stoppedAt: '2026-11-23T13:00:05.000000Z',
        damagedAt: null,
        failure: null,
        createdAt: '2026-11-23T13:00:02.345678Z',
        finishedAt: '2026-11-23T13:00:05.456789Z',
      },
    ],
  })
