export type DrillStatus = 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled'

/** One thing that a drill has looked at. */
export interface DrillCheck {
  /** `archive`: every file of it against its checksum. `amcheck`: tables and indexes. `rows`: every row can be read. `probe`: the tenant's query. */
  name: 'archive' | 'amcheck' | 'rows' | 'probe'
  passed: boolean
  seconds: number
  /** What was found, in words that name no host or path. */
  detail: string
}
