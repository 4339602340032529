import type { Generated } from 'kysely'
import type { Moment } from '../domain/moment.ts'

/** What a worker has last seen that belongs to no tenant, by name: see observations.ts. */
export interface ObservationTable {
  name: string
  value: number
  observed_at: Generated<Moment>
}
