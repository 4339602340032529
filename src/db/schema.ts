import type { ColumnType, Generated, Selectable } from 'kysely'
import type {
  AddonStatus,
  BackupStatus,
  BackupType,
  OperationKind,
  OperationStatus,
  Protection,
  RestoredFrom,
  ServerSettings,
} from '../domain/addon.ts'
import type { BackupPolicy } from '../domain/backup-policy.ts'
import type { DrillCheck, DrillStatus } from '../domain/drill.ts'
import type { Moment } from '../domain/moment.ts'
import type { Failure } from '../domain/problem.ts'
import type { Stall, Stalls } from '../domain/protection.ts'
import type { Quotas } from '../domain/quotas.ts'
import type { WalGap } from '../domain/recovery-window.ts'
import type {
  PhaseSeconds,
  Reached,
  RestorePhase,
  RestorePointStatus,
  RestoreProgress,
  RestoreStatus,
  RestoreTarget,
  SecuredRole,
} from '../domain/restore.ts'
import type { ApiKeyTable } from './api-key-table.ts'
import type { CertificateAuthorityTable } from './certificate-authority-table.ts'
import type { CredentialTables } from './credential-table.ts'
import type { MeasuredRateTable, ObservationTable, PlatformPolicyTable } from './observation-table.ts'
import type { OperationStepTable } from './operation-step-table.ts'
import type { AuditEntryTable, PrunedEventsTable } from './record-tables.ts'
import type { RequestTables } from './request-tables.ts'
import type { WebhookTables } from './webhook-tables.ts'

/** jsonb: read as the value, written as text. */
type Json<Value> = ColumnType<Value, string, string>
type JsonOrNull<Value> = ColumnType<Value | null, string | null | undefined, string | null>
type JsonWithDefault<Value> = ColumnType<Value, string | undefined, string>
type MadeNow = ColumnType<Moment, Moment | undefined, Moment>

export interface MasterKeyTable {
  only_one: Generated<boolean>
  key_id: string
}

export interface TenantTable {
  id: string
  name: string
  max_concurrent_operations: Generated<number>
  backup_policy: JsonWithDefault<BackupPolicy>
  quotas: JsonWithDefault<Quotas>
  storage_key_sealed: string | null
  created_at: MadeNow
  deleted_at: Moment | null
}

export interface AddonTable {
  id: string
  tenant_id: string
  name: string
  status: AddonStatus
  protection: Generated<Protection>
  postgres_version: number
  database_name: string
  username: string
  password_sealed: string
  labels: JsonWithDefault<Record<string, string>>
  backup_policy: JsonWithDefault<BackupPolicy>
  deletion_protection: Generated<boolean>
  server_id: string
  restored_from: JsonOrNull<RestoredFrom>
  failure: JsonOrNull<Failure>
  purpose: Generated<'service' | 'drill'>
  stalled: JsonOrNull<Stall>
  created_at: MadeNow
  updated_at: MadeNow
  deleted_at: Moment | null
}

export interface ServerTable {
  id: string
  tenant_id: string
  addon_id: string
  port: number | null
  desired_state: Generated<'absent' | 'running'>
  settings: JsonWithDefault<ServerSettings>
  created_at: MadeNow
  deleted_at: Moment | null
}

export interface ArchiveTable {
  server_id: string
  tenant_id: string
  cipher_pass_sealed: string
  made_at: Moment | null
  archiving_since: Moment | null
  last_archived_segment: string | null
  last_commit_at: Moment | null
  archived_at: Moment | null
  observed_at: Moment | null
  gaps: JsonWithDefault<WalGap[]>
  next_backup_at: Moment | null
  next_backup_type: 'full' | 'differential' | null
  next_drill_at: Moment | null
  schedule_stale: Generated<boolean>
  drill_stale: Generated<boolean>
  keep_until: Moment | null
  surveyed_at: Moment | null
  survey_tried_at: Moment | null
  stored_bytes: number | null
  stored_files: number | null
  lag_seconds: number | null
  stalls: JsonWithDefault<Stalls>
  created_at: MadeNow
  removed_at: Moment | null
}

export interface BackupTable {
  id: string
  tenant_id: string
  addon_id: string
  server_id: string
  type: BackupType
  status: BackupStatus
  label: string | null
  timeline: number | null
  start_lsn: string | null
  stop_lsn: string | null
  size_bytes: number | null
  repository_size_bytes: number | null
  backup_started_at: Moment | null
  backup_stopped_at: Moment | null
  scheduled: Generated<boolean>
  reference_labels: JsonWithDefault<string[]>
  damaged_at: Moment | null
  expired_at: Moment | null
  failure: JsonOrNull<Failure>
  created_at: MadeNow
  finished_at: Moment | null
}

export interface RestoreTable {
  id: string
  tenant_id: string
  addon_id: string
  source_server_id: string
  child_addon_id: string
  child_server_id: string
  target: Json<RestoreTarget>
  exclusive: Generated<boolean>
  status: RestoreStatus
  phase: RestorePhase | null
  progress: JsonWithDefault<Partial<RestoreProgress>>
  reached: JsonOrNull<Reached>
  secured_roles: JsonOrNull<SecuredRole[]>
  phase_seconds: JsonWithDefault<PhaseSeconds>
  drill_id: string | null
  backup_id: string | null
  progress_told: JsonOrNull<RestoreProgress>
  progress_told_at: Moment | null
  failure: JsonOrNull<Failure>
  created_at: MadeNow
  started_at: Moment | null
  finished_at: Moment | null
}

export interface OperationTable {
  id: string
  tenant_id: string
  kind: OperationKind
  server_id: string
  addon_id: string
  status: Generated<OperationStatus>
  step: string
  version: Generated<number>
  attempt: Generated<number>
  memo: Json<unknown>
  run_at: MadeNow
  lease_token: string | null
  lease_until: Moment | null
  deadline_at: Moment | null
  cancel_requested: Generated<boolean>
  exclusive: Generated<boolean>
  failure: JsonOrNull<Failure>
  created_at: MadeNow
  started_at: Moment | null
  finished_at: Moment | null
}

export interface RestorePointTable {
  id: string
  tenant_id: string
  addon_id: string
  server_id: string
  name: string
  wal_name: string | null
  status: RestorePointStatus
  lsn: string | null
  timeline: number | null
  made_at: Moment | null
  failure: JsonOrNull<Failure>
  created_at: MadeNow
  finished_at: Moment | null
}

export interface DrillTable {
  id: string
  tenant_id: string
  addon_id: string
  source_server_id: string
  child_addon_id: string
  child_server_id: string
  status: DrillStatus
  scheduled: Generated<boolean>
  backup_id: string | null
  rto_seconds: number | null
  rpo_seconds: number | null
  checks: JsonWithDefault<DrillCheck[]>
  reached: JsonOrNull<Reached>
  failure: JsonOrNull<Failure>
  created_at: MadeNow
  started_at: Moment | null
  finished_at: Moment | null
}

export interface OutboxEventTable {
  id: Generated<number>
  tenant_id: string | null
  /** Null until it is placed: see event-positions.ts. */
  position: number | null
  type: string
  resource_id: string
  payload: Json<unknown>
  created_at: MadeNow
}

/** The metadata database, as `migrations/` makes it. */
export interface Metadata extends CredentialTables, RequestTables, WebhookTables {
  master_key: MasterKeyTable
  tenant: TenantTable
  api_key: ApiKeyTable
  addon: AddonTable
  server: ServerTable
  archive: ArchiveTable
  backup: BackupTable
  restore: RestoreTable
  operation: OperationTable
  operation_step: OperationStepTable
  restore_point: RestorePointTable
  drill: DrillTable
  measured_rate: MeasuredRateTable
  platform_policy: PlatformPolicyTable
  observation: ObservationTable
  outbox_event: OutboxEventTable
  pruned_events: PrunedEventsTable
  audit_entry: AuditEntryTable
  certificate_authority: CertificateAuthorityTable
}

export type TenantRow = Selectable<TenantTable>
export type ApiKeyRow = Selectable<ApiKeyTable>
export type AddonRow = Selectable<AddonTable>
export type ServerRow = Selectable<ServerTable>
export type ArchiveRow = Selectable<ArchiveTable>
export type BackupRow = Selectable<BackupTable>
export type RestoreRow = Selectable<RestoreTable>
export type OperationRow = Selectable<OperationTable>
export type RestorePointRow = Selectable<RestorePointTable>
export type DrillRow = Selectable<DrillTable>
export type OperationStepRow = Selectable<OperationStepTable>
