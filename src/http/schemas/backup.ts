import { z } from 'zod'
import { failureSchema } from './failure.ts'
import { moment } from './text.ts'

export const backupType = z.enum(['full', 'differential', 'incremental'])

export const backupSchema = z
  .object({
    id: z.string(),
    tenantId: z.string(),
    addonId: z.string(),
    label: z.string().nullable().describe('Its name in the archive, once it is complete'),
    type: backupType.describe(
      'What was asked for, and in the end what was taken: full where there was no full one yet',
    ),
    status: z.enum(['queued', 'running', 'succeeded', 'failed', 'cancelled']),
    scheduled: z.boolean().describe('Taken because the policy says so'),
    timeline: z.int().nullable(),
    startLsn: z.string().nullable(),
    stopLsn: z.string().nullable(),
    sizeBytes: z.number().nullable().describe('Of the database'),
    repositorySizeBytes: z.number().nullable().describe('Of what the backup added to the archive'),
    walSinceBytes: z
      .number()
      .nullable()
      .describe('WAL that has been archived since its end; null when that cannot be told'),
    startedAt: moment.nullable(),
    stoppedAt: moment.nullable(),
    durationSeconds: z.number().nullable().describe('In whole seconds'),
    expiredAt: moment
      .nullable()
      .describe('When the retention policy gave it up: nothing is restored from it any more'),
    damagedAt: moment
      .nullable()
      .describe('When it was found to be damaged; it is not restored from any more'),
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
        label: '20261123-130003F',
        type: 'full',
        status: 'succeeded',
        scheduled: false,
        timeline: 1,
        startLsn: '0/2000028',
        stopLsn: '0/2000100',
        sizeBytes: 31_457_280,
        repositorySizeBytes: 4_194_304,
        walSinceBytes: 33_554_176,
        startedAt: '2026-11-23T13:00:03.000000Z',
        stoppedAt: '2026-11-23T13:00:05.000000Z',
        durationSeconds: 2,
        expiredAt: null,
        damagedAt: null,
        failure: null,
        createdAt: '2026-11-23T13:00:02.345678Z',
        finishedAt: '2026-11-23T13:00:05.456789Z',
      },
    ],
  })
