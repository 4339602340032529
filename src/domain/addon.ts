export type AddonStatus = 'provisioning' | 'available' | 'restoring' | 'failed' | 'deleting' | 'deleted'
export type Protection = 'pending' | 'protected' | 'stalled'

export type BackupType = 'full' | 'differential' | 'incremental'
export type BackupStatus = 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled'
export type OperationStatus = 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled'

export type OperationKind =
  | 'addon.provision'
  | 'server.protect'
  | 'backup.take'
  | 'archive.expire'
  | 'archive.purge'
  | 'restore-point.create'
  | 'credential.apply'
  | 'drill.verify'
  | 'drill.check'
  | 'restore.run'
  | 'addon.delete'

/** Where a restored add-on came from. */
export interface RestoredFrom {
  addonId: string
  restoreId: string
}

/** PostgreSQL settings a server has beyond Undrop's defaults, by name. */
export type ServerSettings = Readonly<Record<string, string | number | boolean>>
