import { type Insertable, sql } from 'kysely'
import type { Moment } from '../domain/moment.ts'
import type { DeliveryStatus } from '../domain/webhook.ts'
import type { Executor, Tx } from './client.ts'
import { inSlice, rowsOf, type Slice } from './slice.ts'
import { inScope, type TenantScope } from './tenant-scope.ts'
import type { WebhookDeliveryRow, WebhookDeliveryTable, WebhookEndpointRow } from './webhook-tables.ts'

export interface DeliveryFilter {
  status?: DeliveryStatus | undefined
  eventType?: string | undefined
}

export function listWebhookDeliveries(
  ex: Executor,
  scope: TenantScope,
  endpointId: string,
  { status, eventType }: DeliveryFilter,
  slice: Slice,
): Promise<WebhookDeliveryRow[]> {
  let deliveries = ex
    .selectFrom('webhook_delivery')
    .selectAll()
    .where(inScope(scope))
    .where('endpoint_id', '=', endpointId)
  if (status !== undefined) deliveries = deliveries.where('status', '=', status)
  if (eventType !== undefined) deliveries = deliveries.where('event_type', '=', eventType)
  return deliveries.where(inSlice('webhook_delivery', slice)).orderBy('id').limit(rowsOf(slice)).execute()
}

export function findWebhookDelivery(
  ex: Executor,
  scope: TenantScope,
  endpointId: string,
  id: string,
): Promise<WebhookDeliveryRow | undefined> {
  return ex
    .selectFrom('webhook_delivery')
    .selectAll()
    .where(inScope(scope))
    .where('endpoint_id', '=', endpointId)
    .where('id', '=', id)
    .executeTakeFirst()
}

export type NewDelivery = Pick<
  Insertable<WebhookDeliveryTable>,
  'id' | 'event_position' | 'event_type' | 'resource_id' | 'data' | 'occurred_at'
>

/** So that a statement stays below the number of parameters that the protocol allows. */
const INSERTED_AT_ONCE = 500

/**
 * Writes down deliveries to an endpoint that the transaction has locked. What is written down already stays as it is.
 */
export async function insertWebhookDeliveries(
  tx: Tx,
  endpoint: Pick<WebhookEndpointRow, 'id' | 'tenant_id'>,
  deliveries: readonly NewDelivery[],
  now: Moment,
): Promise<void> {
  for (let from = 0; from < deliveries.length; from += INSERTED_AT_ONCE) {
    const rows = deliveries.slice(from, from + INSERTED_AT_ONCE).map((delivery) => ({
      ...delivery,
      endpoint_id: endpoint.id,
      tenant_id: endpoint.tenant_id,
      status: 'waiting' as const,
      created_at: now,
    }))
    await tx
      .insertInto('webhook_delivery')
      .values(rows)
      .onConflict((conflict) => conflict.doNothing())
      .execute()
  }
  await advanceResources(tx, endpoint.id, now)
}

/**
 * Makes the earliest waiting delivery of each resource pending, or of that one, unless the resource has one that is. The
 * transaction has locked the endpoint.
 */
export async function advanceResources(
  tx: Tx,
  endpointId: string,
  now: Moment,
  resourceId?: string,
): Promise<void> {
  const ofResource = resourceId === undefined ? sql`true` : sql`resource_id = ${resourceId}`
  await sql`
    update webhook_delivery set status = 'pending', next_attempt_at = ${now}
     where id in (
       select distinct on (resource_id) id from webhook_delivery as first
        where endpoint_id = ${endpointId} and status = 'waiting' and ${ofResource}
          and not exists (select from webhook_delivery as ahead
                           where ahead.endpoint_id = ${endpointId} and ahead.resource_id = first.resource_id
                             and ahead.status = 'pending')
        order by resource_id, event_position)`.execute(tx)
}

/** Which of an endpoint's finished deliveries are to be sent again. */
export type Replayed = { id: string } | { failedSince: Moment }

/**
 * Has finished deliveries sent again, as if they had never been tried; each takes its place among those of its resource.
 * The transaction has locked the endpoint.
 * @returns how many
 */
export async function replayWebhookDeliveries(
  tx: Tx,
  endpointId: string,
  which: Replayed,
  now: Moment,
): Promise<number> {
  const finished = tx
    .updateTable('webhook_delivery')
    .set({ status: 'waiting', attempts: 0, first_attempted_at: null, finished_at: null })
    .where('endpoint_id', '=', endpointId)
  const chosen =
    'id' in which
      ? finished.where('id', '=', which.id).where('status', 'in', ['succeeded', 'failed'])
      : finished.where('status', '=', 'failed').where('created_at', '>=', which.failedSince)
  const { numUpdatedRows } = await chosen.executeTakeFirstOrThrow()
  await advanceResources(tx, endpointId, now)
  return Number(numUpdatedRows)
}

/** Positions are given to events in this order; what only one endpoint is told takes its place among them. */
export async function nextEventPosition(tx: Tx): Promise<number> {
  const { rows } = await sql<{ position: number }>`select nextval('event_position') as position`.execute(tx)
  const [row] = rows
  if (row === undefined) throw new Error('a sequence has a next value')
  return row.position
}
