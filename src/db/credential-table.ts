import type { Generated, Selectable } from 'kysely'
import type { Access, CredentialStatus } from '../domain/credential.ts'
import type { Moment } from '../domain/moment.ts'

export interface CredentialTable {
  id: string
  tenant_id: string
  addon_id: string
  name: string
  access: Access
  status: CredentialStatus
  /** Null for the owner's: see migrations/0008_credentials.sql. */
  username: string | null
  password_sealed: string | null
  next_username: string | null
  next_password_sealed: string | null
  overlap_seconds: number | null
  copied_from: string | null
  retry_at: Moment | null
  created_at: Generated<Moment>
  updated_at: Generated<Moment>
  rotated_at: Moment | null
  deleted_at: Moment | null
}

/** A login that a rotation has replaced. */
export interface OldLoginTable {
  credential_id: string
  username: string
  tenant_id: string
  addon_id: string
  replaced_at: Moment
  valid_until: Moment
  dropped_at: Moment | null
}

export interface CredentialTables {
  credential: CredentialTable
  old_login: OldLoginTable
}

export type CredentialRow = Selectable<CredentialTable>
