import type { ColumnType } from 'kysely'
import type { Moment } from '../domain/moment.ts'
import type { Scope } from '../domain/scopes.ts'

export interface ApiKeyTable {
  id: string
  /** Null for a key of the platform. */
  tenant_id: string | null
  name: string
  /** SHA-256 of the secret, which is kept nowhere. */
  secret_hash: Buffer
  scopes: Scope[]
  /** The key that was made when this one was rotated. */
  replaced_by: string | null
  created_at: ColumnType<Moment, Moment | undefined, Moment>
  expires_at: Moment | null
  last_used_at: Moment | null
  revoked_at: Moment | null
}
