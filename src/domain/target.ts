import { z } from 'zod'
import { parseMoment } from './moment.ts'
import type { RestoreTarget } from './restore.ts'

/** RFC 3339 with an offset, as any client writes it (pitfall 7). */
export const momentText = z
  .string()
  .refine((text) => parseMoment(text) !== null, 'must be an RFC 3339 date and time with an offset')
  .meta({ format: 'date-time' })

/** Exactly one way to say what a restore is to reach. */
export const targetSchema = z
  .strictObject({
    time: momentText.optional().describe('The child holds everything committed up to this moment'),
    latest: z.literal(true).optional().describe('The child holds everything committed when the work starts'),
  })
  .refine((target) => Object.keys(target).length === 1, 'must have exactly one of time and latest')
  .meta({
    id: 'RestoreTarget',
    minProperties: 1,
    maxProperties: 1,
    examples: [{ time: '2026-11-23T15:00:00.123456+01:00' }, { latest: true }],
  })

/** The target in UTC, to the microsecond. */
export function restoreTargetOf({ time }: z.infer<typeof targetSchema>): RestoreTarget {
  const moment = time === undefined ? null : parseMoment(time)
  return moment === null ? { latest: true } : { time: moment }
}
