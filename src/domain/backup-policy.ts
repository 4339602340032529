import { z } from 'zod'
import { parseDuration, secondsOf } from './duration.ts'

const MINUTE = 60
const DAY = 86_400

const duration = (minSeconds: number, maxSeconds: number) =>
  z
    .string()
    .refine(
      (text) => {
        const seconds = parseDuration(text)
        return seconds !== null && seconds >= minSeconds && seconds <= maxSeconds
      },
      `must be an ISO 8601 duration of days, hours and minutes, from ${minSeconds / MINUTE} minutes to ${maxSeconds / DAY} days`,
    )
    .meta({ format: 'duration' })

const timeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day in UTC, HH:MM')

const windowSchema = z
  .strictObject({ from: timeOfDay, to: timeOfDay })
  .refine(({ from, to }) => from !== to, 'must not end when it begins')

/** What may be said of how an add-on is backed up. What is left out comes from the tenant, then from the platform. */
export const backupPolicySchema = z
  .strictObject({
    fullEvery: duration(10 * MINUTE, 366 * DAY)
      .optional()
      .describe('Time between full backups'),
    differentialEvery: duration(10 * MINUTE, 366 * DAY)
      .nullable()
      .optional()
      .describe('Time between backups of what has changed since the last full one; null for none'),
    window: windowSchema
      .nullable()
      .optional()
      .describe('When scheduled backups begin, in UTC; it may go over midnight. Null for any time'),
    retentionDays: z
      .int()
      .min(1)
      .max(3650)
      .optional()
      .describe('The add-on can be restored to any moment of that many days'),
    retentionFulls: z.int().min(1).max(1000).optional().describe('At least that many full backups are kept'),
    deletedRetentionDays: z
      .int()
      .min(0)
      .max(3650)
      .optional()
      .describe('A deleted add-on can be restored for that many days'),
    drillEvery: duration(10 * MINUTE, 366 * DAY)
      .nullable()
      .optional()
      .describe('Time between restore drills; null for none'),
    drillProbe: z
      .string()
      .min(1)
      .max(10_000)
      // PostgreSQL cannot store NUL or half a surrogate pair.
      .regex(/^[^\0\p{Cs}]*$/u, 'must not have NUL or broken surrogate pairs')
      .nullable()
      .optional()
      .describe(
        'A query that a drill runs as the owner on the restored database: its first row must begin with neither null nor false',
      ),
  })
  .meta({
    id: 'BackupPolicy',
    examples: [
      {
        fullEvery: 'P7D',
        differentialEvery: 'P1D',
        window: { from: '01:00', to: '05:00' },
        retentionDays: 14,
      },
    ],
  })

export type BackupPolicy = z.infer<typeof backupPolicySchema>

/** A policy that leaves nothing open. */
export type CompleteBackupPolicy = {
  [Field in keyof BackupPolicy]-?: Exclude<BackupPolicy[Field], undefined>
}

/** What the platform begins with. */
export const DEFAULT_POLICY: CompleteBackupPolicy = {
  fullEvery: 'P7D',
  differentialEvery: 'P1D',
  window: null,
  retentionDays: 7,
  retentionFulls: 2,
  deletedRetentionDays: 7,
  drillEvery: null,
  drillProbe: null,
}

/** What is in force for an add-on. */
export const completeBackupPolicySchema = backupPolicySchema
  .required()
  .describe('What is in force: the add-on’s own policy, then its tenant’s, then the platform’s')
  .meta({ id: 'CompleteBackupPolicy', examples: [DEFAULT_POLICY] })

/** @param policies the most special one last */
export function effectivePolicy(
  platform: CompleteBackupPolicy,
  ...policies: readonly BackupPolicy[]
): CompleteBackupPolicy {
  return Object.assign({}, platform, ...policies) as CompleteBackupPolicy
}

/** Seconds between backups of what has changed; null for none. One that is not shorter than `fullEvery` has no effect. */
export function differentialSeconds({ fullEvery, differentialEvery }: CompleteBackupPolicy): number | null {
  if (differentialEvery === null) return null
  const seconds = secondsOf(differentialEvery)
  return seconds < secondsOf(fullEvery) ? seconds : null
}

/**
 * What cannot be together in a policy, each with the field at fault; empty for a sound one. An inherited field is no
 * fault of the policy: `fullEvery` alone may be said, and then there are full backups only.
 * @param given the policy itself
 * @param effective the same with what it leaves out filled in
 */
export function faultsOf(
  given: BackupPolicy,
  effective: CompleteBackupPolicy,
): { field: keyof BackupPolicy; detail: string }[] {
  if ((given.differentialEvery ?? null) === null || differentialSeconds(effective) !== null) return []
  const detail = 'must be shorter than fullEvery is, here or where it is inherited from'
  return [{ field: 'differentialEvery', detail }]
}
