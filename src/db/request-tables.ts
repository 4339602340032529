import type { ColumnType, Generated } from 'kysely'
import type { Moment } from '../domain/moment.ts'

/** What the transaction of a request has changed. */
export interface Applied {
  tenantId: string | null
  action: string
  resourceId: string
  /** Of the key that has asked; null for the key of the configuration. */
  apiKeyId: string | null
}

interface IdempotencyKeyTable {
  id: string
  tenant_id: string | null
  key: string
  fingerprint: Buffer
  state: Generated<'running' | 'applied' | 'answered'>
  lease_until: Moment
  applied: ColumnType<Applied | null, string | undefined, string | null>
  status: number | null
  location: string | null
  answer_sealed: string | null
  made_at: Generated<Moment>
}

/** Kept by triggers on `addon`. */
interface AddonLabelTable {
  tenant_id: string
  addon_id: string
  key: string
  value: string
}

export interface RequestTables {
  addon_label: AddonLabelTable
  idempotency_key: IdempotencyKeyTable
}
