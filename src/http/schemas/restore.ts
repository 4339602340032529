import { z } from 'zod'
import { targetSchema } from '../../domain/target.ts'
import { failureSchema } from './failure.ts'
import { addonName, moment } from './text.ts'

export const restoreStatus = z.enum(['queued', 'running', 'succeeded', 'failed', 'cancelled'])

const progress = z
  .object({
    percent: z.number(),
    bytesDone: z.number(),
    bytesTotal: z.number().nullable(),
    walDone: z.number().describe('WAL segments'),
    walTotal: z.number().nullable(),
    replayedTo: moment.nullable().describe('Commit time of the last transaction replayed'),
    etaSeconds: z.number().nullable(),
  })
  .meta({ id: 'RestoreProgress' })

export const reachedSchema = z
  .object({
    time: moment.nullable().describe('Commit time of the last transaction the child holds'),
    lsn: z.string().describe('The child holds the WAL before this, and nothing after it'),
    xid: z.string().nullable(),
    timeline: z.int(),
    exact: z
      .boolean()
      .describe('Whether the target was seen to be reached, for a time by a transaction later than it'),
    reason: z.literal('end_of_wal').nullable(),
  })
  .meta({ id: 'Reached', description: 'The state the restore really arrived at' })

const seconds = z.number().optional()

export const restoreSchema = z
  .object({
    id: z.string(),
    tenantId: z.string(),
    addonId: z.string().describe('The source, which stays as it is'),
    childAddonId: z.string().describe('The new add-on'),
    target: z.union([
      z.object({ time: moment }),
      z.object({ latest: z.literal(true) }),
      z.object({ lsn: z.string() }),
      z.object({ xid: z.string() }),
      z.object({ name: z.string() }),
    ]),
    exclusive: z.boolean(),
    backupId: z
      .string()
      .nullable()
      .describe('The base backup it is made from: an older one where newer ones are damaged'),
    status: restoreStatus,
    phase: z.enum(['anchoring', 'fetching', 'replaying', 'securing', 'done']).nullable(),
    progress,
    reached: reachedSchema.nullable(),
    securedRoles: z
      .array(z.object({ name: z.string(), action: z.enum(['renamed', 'locked']) }))
      .nullable()
      .describe('What became of the roles of the source on the child'),
    phaseSeconds: z.object({
      anchoring: seconds,
      fetching: seconds,
      replaying: seconds,
      securing: seconds,
      total: seconds,
    }),
    failure: failureSchema.nullable(),
    createdAt: moment,
    startedAt: moment.nullable(),
    finishedAt: moment.nullable(),
  })
  .meta({
    id: 'Restore',
    examples: [
      {
        id: 'rst_01kas0d8w8e5h9xw2c5a9t7b3k',
        tenantId: 'tnt_01kas0d8w8e5h9xw2c5a9t7b3k',
        addonId: 'addon_01kas0d8w8e5h9xw2c5a9t7b3k',
        childAddonId: 'addon_01kas0d8w8e5h9xw2c5a9t7b4m',
        target: { time: '2026-11-23T14:00:00.123456Z' },
        exclusive: false,
        backupId: 'bak_01kas0d8w8e5h9xw2c5a9t7b3k',
        status: 'running',
        phase: 'replaying',
        progress: {
          percent: 62,
          bytesDone: 31_457_280,
          bytesTotal: 31_457_280,
          walDone: 12,
          walTotal: 98,
          replayedTo: '2026-11-23T13:21:07.004211Z',
          etaSeconds: 6,
        },
        reached: null,
        securedRoles: null,
        phaseSeconds: { anchoring: 0.4, fetching: 2.1 },
        failure: null,
        createdAt: '2026-11-23T14:02:00.123456Z',
        startedAt: '2026-11-23T14:02:00.140001Z',
        finishedAt: null,
      },
    ],
  })

export const restoreParams = z.object({ restoreId: z.string() })

/** What a restore, and the plan of one, are asked to reach. */
export const wantedState = {
  target: targetSchema,
  exclusive: z
    .boolean()
    .optional()
    .describe('Leave out what was committed at exactly the target time, at the LSN, or by the transaction'),
}

/** What a name or the end of WAL would leave out is not defined. */
export const exclusiveFits = ({ target, exclusive }: { target: object; exclusive?: boolean | undefined }) =>
  !(exclusive === true && ('name' in target || 'latest' in target))

export const whereExclusiveFits = { message: 'goes with time, lsn and xid only', path: ['exclusive'] }

export const newRestoreSchema = z
  .strictObject({ ...wantedState, name: addonName.optional().describe('Of the new add-on') })
  .refine(exclusiveFits, whereExclusiveFits)
  .meta({ id: 'NewRestore', examples: [{ target: { time: '2026-11-23T15:00:00.123456+01:00' } }] })
