import {
  type BackupPolicy,
  type CompleteBackupPolicy,
  effectivePolicy,
  faultsOf,
} from '../domain/backup-policy.ts'
import { Problem } from '../domain/problem.ts'

/**
 * Refuses a backup policy that contradicts itself once what it leaves out is filled in.
 * @param policies the one of the request last
 * @throws Problem `validation-failed`
 */
export function assertSoundPolicy(
  platform: CompleteBackupPolicy,
  ...policies: readonly BackupPolicy[]
): void {
  const given = policies.at(-1) ?? {}
  const errors = faultsOf(given, effectivePolicy(platform, ...policies)).map(({ field, detail }) => ({
    pointer: `/backupPolicy/${field}`,
    detail,
  }))
  if (errors.length > 0) throw new Problem('validation-failed', { extensions: { errors } })
}
