import type { ColumnType, Generated } from 'kysely'
import type { Moment } from '../domain/moment.ts'

type Facts = Record<string, unknown>

/** Up to where events of a tenant, or of the platform's own, have been removed: see events.ts. */
export interface PrunedEventsTable {
  tenant_id: string | null
  position: number
}

/** Who did what: see audit.ts. Written once; the roles of Undrop may neither change nor remove it. */
export interface AuditEntryTable {
  id: Generated<number>
  tenant_id: string | null
  api_key_id: string | null
  action: string
  resource_id: string
  request_id: string | null
  source_address: string | null
  detail: ColumnType<Facts, string | undefined, string>
  before: ColumnType<Facts | null, string | null | undefined, string | null>
  after: ColumnType<Facts | null, string | null | undefined, string | null>
  created_at: ColumnType<Moment, Moment | undefined, Moment>
}
