import { z } from 'zod'
import { isDatabaseName } from '../../domain/database-name.ts'

/** A name for people. PostgreSQL cannot store NUL or half a surrogate pair. */
export const displayName = z
  .string()
  .min(1)
  .max(100)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must not have control characters or broken surrogate pairs')

export const addonName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,62}$/, 'must have 1 to 63 of a-z, 0-9 and -, and start with a letter')

export const databaseName = z
  .string()
  .refine(
    isDatabaseName,
    'must be an unquoted PostgreSQL identifier of at most 63 characters, and not a database of PostgreSQL itself',
  )
  .meta({ pattern: '^[a-z_][a-z0-9_]{0,62}$' })

const LABELS_MAX = 32

const labelKey = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/,
    'must have 1 to 63 of A-Z, a-z, 0-9, ., _, / and -, and start with a letter or digit',
  )

const labelValue = z
  .string()
  .max(255)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must not have control characters or broken surrogate pairs')

export const labels = z
  .record(labelKey, labelValue)
  .refine((record) => Object.keys(record).length <= LABELS_MAX, `must have at most ${LABELS_MAX} labels`)
  .meta({ maxProperties: LABELS_MAX, examples: [{ app: 'shop', stage: 'production' }] })

const LABELS_ASKED_FOR_MAX = 8

const labelPair = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}:[^\p{Cc}\p{Cs}]{0,255}$/u, 'must be a label as key:value')

/** A filter that may be repeated. Comes out as labels of which something has to have all. */
export const labelFilter = z
  .union([labelPair, z.array(labelPair).max(LABELS_ASKED_FOR_MAX)])
  .transform((given) =>
    [given].flat().map((pair) => {
      const [key = ''] = pair.split(':', 1)
      return { key, value: pair.slice(key.length + 1) }
    }),
  )
  .describe('A label as `key:value`; may be repeated, and then all have to match')

/** An exact moment in a response: RFC 3339 in UTC with microseconds. */
export const moment = z.string().meta({ format: 'date-time', examples: ['2026-11-23T14:00:00.123456Z'] })
