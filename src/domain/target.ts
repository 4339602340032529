import { z } from 'zod'
import { parseMoment } from './moment.ts'
import type { RestoreTarget } from './restore.ts'
import { formatLsn, isLsn, parseLsn } from './wal-segment.ts'

/** RFC 3339 with an offset, as any client writes it (pitfall 7). */
export const momentText = z
  .string()
  .refine((text) => parseMoment(text) !== null, 'must be an RFC 3339 date and time with an offset')
  .meta({ format: 'date-time' })

const lsnText = z.string().refine(isLsn, 'must be an LSN as PostgreSQL prints it, such as 0/3002168')

/** Lower ones are PostgreSQL's own (access/transam.h: FirstNormalTransactionId). */
const XID_MIN = 3
const XID_MAX = 4_294_967_295

const xidText = z
  .string()
  .refine(
    (text) => /^\d{1,10}$/.test(text) && Number(text) >= XID_MIN && Number(text) <= XID_MAX,
    `must be a decimal number from ${XID_MIN} to ${XID_MAX}`,
  )
  .meta({ pattern: '^\\d{1,10}$' })

/** Of a restore point, for people. PostgreSQL cannot store NUL or half a surrogate pair. */
export const restorePointName = z
  .string()
  .min(1)
  .max(63)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must not have control characters or broken surrogate pairs')

/** Exactly one way to say what a restore is to reach. */
export const targetSchema = z
  .strictObject({
    time: momentText.optional().describe('The child holds everything committed up to this moment'),
    latest: z.literal(true).optional().describe('The child holds everything committed when the work starts'),
    lsn: lsnText
      .optional()
      .describe(
        'The child holds the WAL up to the first record that begins there or later, and that record too',
      ),
    xid: xidText
      .optional()
      .describe(
        'The child holds the WAL up to the end of this transaction: the 32 bits that xmin and pg_waldump show',
      ),
    name: restorePointName.optional().describe('The child holds the WAL up to this restore point'),
  })
  .refine(
    (target) => Object.keys(target).length === 1,
    'must have exactly one of time, latest, lsn, xid and name',
  )
  .meta({
    id: 'RestoreTarget',
    minProperties: 1,
    maxProperties: 1,
    examples: [
      { time: '2026-11-23T15:00:00.123456+01:00' },
      { latest: true },
      { lsn: '0/3002168' },
      { xid: '741' },
      { name: 'before-upgrade' },
    ],
  })

/** The target in the one shape that it is kept in: in UTC, to the microsecond; numbers without zeros in front. */
export function restoreTargetOf({ time, lsn, xid, name }: z.infer<typeof targetSchema>): RestoreTarget {
  if (lsn !== undefined) return { lsn: formatLsn(parseLsn(lsn)) }
  if (xid !== undefined) return { xid: String(Number(xid)) }
  if (name !== undefined) return { name }
  const moment = time === undefined ? null : parseMoment(time)
  return moment === null ? { latest: true } : { time: moment }
}
