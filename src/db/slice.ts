import { type RawBuilder, sql } from 'kysely'
import { firstIdAt, type IdKind } from '../domain/ids.ts'
import { addSeconds, type Moment } from '../domain/moment.ts'

/** Which rows of a list, in order of id. */
export interface Slice {
  limit: number
  /** Only rows after this id. */
  after: string | undefined
  createdAfter?: Moment | undefined
  createdBefore?: Moment | undefined
  status?: string | undefined
}

const KINDS = {
  tenant: 'tenant',
  api_key: 'apiKey',
  addon: 'addon',
  backup: 'backup',
  restore: 'restore',
  restore_point: 'restorePoint',
  drill: 'drill',
  operation: 'operation',
  credential: 'credential',
  webhook_endpoint: 'webhookEndpoint',
  webhook_delivery: 'webhookDelivery',
} as const satisfies Record<string, IdKind>

/** One row more than asked for tells whether there is a next page. */
export const rowsOf = ({ limit }: Slice): number => limit + 1

/**
 * The condition that keeps a query on that table inside the slice.
 * @param idColumn has the id, too, and comes in order of it
 */
export function inSlice(
  table: keyof typeof KINDS,
  slice: Slice,
  idColumn = `${table}.id`,
): RawBuilder<boolean> {
  const [createdAt, status] = ['created_at', 'status'].map((column) => sql.ref(`${table}.${column}`))
  const { createdAfter, createdBefore } = slice
  const conditions = [idInSlice(table, slice, idColumn)]
  if (createdAfter !== undefined) conditions.push(sql`${createdAt} > ${createdAfter}`)
  if (createdBefore !== undefined) conditions.push(sql`${createdAt} < ${createdBefore}`)
  if (slice.status !== undefined) conditions.push(sql`${status} = ${slice.status}`)
  return sql<boolean>`(${sql.join(conditions, sql` and `)})`
}

/** As much of it as an id of that table says, which is in some column. */
function idInSlice(table: keyof typeof KINDS, slice: Slice, column: string): RawBuilder<boolean> {
  const { from, before } = idsOf(KINDS[table], slice)
  // Every id sorts after the empty text.
  const follows = sql<boolean>`${sql.ref(column)} > ${from}`
  return before === undefined ? follows : sql<boolean>`${follows} and ${sql.ref(column)} < ${before}`
}

/** How far the clock behind an id may be from the one behind `created_at`: they are those of two hosts. */
const SLACK_SECONDS = 600

/** Ids tell when they were made, so that what was created earlier or later is not even looked at. */
function idsOf(kind: IdKind, { after = '', createdAfter, createdBefore }: Slice) {
  const first = createdAfter === undefined ? '' : firstIdAt(kind, addSeconds(createdAfter, -SLACK_SECONDS))
  return {
    from: first > after ? first : after,
    before: createdBefore && firstIdAt(kind, addSeconds(createdBefore, SLACK_SECONDS)),
  }
}
