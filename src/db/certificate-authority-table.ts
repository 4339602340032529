import type { ColumnType, Generated } from 'kysely'
import type { Moment } from '../domain/moment.ts'

/** Authorities that clients of add-on servers trust: see certificate-authorities.ts. */
export interface CertificateAuthorityTable {
  id: string
  /** PEM. */
  certificate: string
  key_sealed: string
  /** One does. */
  signs: ColumnType<boolean, boolean, boolean>
  created_at: Generated<Moment>
}
