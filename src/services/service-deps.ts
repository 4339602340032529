import type { Db } from '../db/client.ts'
import type { TenantScope } from '../db/tenant-scope.ts'
import type { CompleteBackupPolicy } from '../domain/backup-policy.ts'
import type { Moment } from '../domain/moment.ts'
import type { CompleteQuotas } from '../domain/quotas.ts'
import type { WebhookTargets } from '../notify/webhook-sender.ts'
import type { Doorbell } from '../operations/wake-up.ts'
import type { KeyRing } from '../secrets/key-ring.ts'
import type { ArchiveStore } from '../storage/archive-store.ts'
import type { EventStreams } from './event-streams.ts'

/** What the use cases work with; each names the part it needs. */
export interface ServiceDeps {
  db: Db
  doorbell: Doorbell
  keyRing: KeyRing
  /** SHA-256 of the platform's key (`hashApiKey`). */
  platformKeyHash: Buffer
  /** The host at which clients reach the servers of add-ons. */
  endpointHost: string
  /** Major versions that can be provisioned, highest first. */
  postgresVersions: () => readonly number[]
  /** Read from only: what there is in archives. */
  archives: ArchiveStore
  webhookTargets: WebhookTargets
  /** What tenants have that say nothing else. */
  platformPolicy: CompleteBackupPolicy
  /** The same for quotas. */
  platformQuotas: CompleteQuotas
  /** The streams of events that this process has open. */
  eventStreams: EventStreams
  now: () => Moment
  logger: { warn(facts: object, message: string): void }
}

/** What use cases of all callers are made of. */
export interface SharedDeps extends Omit<ServiceDeps, 'db'> {
  /** The metadata database as far as that scope reaches. */
  dbOf: (scope: TenantScope) => Db
  /** Sees no rows of tenants; for finding out who calls. */
  unscopedDb: Db
}
