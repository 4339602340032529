import { z } from 'zod'
import { failureSchema } from './failure.ts'
import { reachedSchema } from './restore.ts'
import { moment } from './text.ts'

const check = z
  .object({
    name: z
      .enum(['archive', 'amcheck', 'rows', 'probe'])
      .describe(
        'archive: every file in it against its checksum; amcheck: tables and B-tree indexes; rows: every row can be read; probe: the query of the backup policy',
      ),
    passed: z.boolean(),
    seconds: z.number(),
    detail: z.string().describe('What was found; nothing of the data'),
  })
  .meta({ id: 'DrillCheck' })

export const drillSchema = z
  .object({
    id: z.string(),
    tenantId: z.string(),
    addonId: z.string(),
    status: z
      .enum(['queued', 'running', 'succeeded', 'failed', 'cancelled'])
      .describe('succeeded when every check has passed'),
    scheduled: z.boolean(),
    backupId: z.string().nullable().describe('The base backup that was restored from'),
    rtoSeconds: z
      .number()
      .nullable()
      .describe('From the beginning of the restore until a client could have logged in'),
    rpoSeconds: z
      .number()
      .nullable()
      .describe(
        'What the add-on had committed, when the restore began, beyond what was restored; null when it could not say',
      ),
    checks: z.array(check),
    reached: reachedSchema.nullable(),
    failure: failureSchema.nullable(),
    createdAt: moment,
    startedAt: moment.nullable(),
    finishedAt: moment.nullable(),
  })
  .meta({
    id: 'Drill',
    description: 'Evidence of whether an add-on can be restored from its archive alone',
    examples: [
      {
        id: 'drl_01kas0d8w8e5h9xw2c5a9t7b3k',
        tenantId: 'tnt_01kas0d8w8e5h9xw2c5a9t7b3k',
        addonId: 'addon_01kas0d8w8e5h9xw2c5a9t7b3k',
        status: 'succeeded',
        scheduled: true,
        backupId: 'bak_01kas0d8w8e5h9xw2c5a9t7b3k',
        rtoSeconds: 6.2,
        rpoSeconds: 12.4,
        checks: [
          { name: 'archive', passed: true, seconds: 3.1, detail: 'Every file matches its checksum.' },
          { name: 'amcheck', passed: true, seconds: 2.2, detail: 'No damage in tables or B-tree indexes.' },
          { name: 'rows', passed: true, seconds: 0.9, detail: 'Tables: 12, rows: 48211.' },
        ],
        reached: {
          time: '2026-11-23T13:59:47.123456Z',
          lsn: '0/5000000',
          xid: '812',
          timeline: 2,
          exact: false,
          reason: 'end_of_wal',
        },
        failure: null,
        createdAt: '2026-11-23T14:00:00.123456Z',
        startedAt: '2026-11-23T14:00:00.140001Z',
        finishedAt: '2026-11-23T14:00:14.456789Z',
      },
    ],
  })

export const newDrillSchema = z.strictObject({}).meta({ id: 'NewDrill', examples: [{}] })
