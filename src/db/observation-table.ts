import type { ColumnType, Generated } from 'kysely'
import type { CompleteBackupPolicy } from '../domain/backup-policy.ts'
import type { Moment } from '../domain/moment.ts'

/** What a worker has last seen that belongs to no tenant, by name: see observations.ts. */
export interface ObservationTable {
  name: string
  value: number
  observed_at: Generated<Moment>
}

/** What this host has been measured to do, by name: see measured.ts. */
export interface MeasuredRateTable {
  name: string
  value: number
  samples: Generated<number>
  updated_at: Generated<Moment>
}

/** What every tenant has where it says nothing else, as the workers were last started with it. */
export interface PlatformPolicyTable {
  only_one: Generated<boolean>
  backup_policy: ColumnType<CompleteBackupPolicy, string, string>
}
