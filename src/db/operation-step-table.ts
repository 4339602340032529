import type { Generated } from 'kysely'
import type { Moment } from '../domain/moment.ts'

/** One row per visit of a step. */
export interface OperationStepTable {
  operation_id: string
  ordinal: number
  step: string
  entered_at: Generated<Moment>
  left_at: Moment | null
  attempts: Generated<number>
  error: string | null
}
