import { sql } from 'kysely'
import type { Moment } from '../domain/moment.ts'
import type { DeliveryError } from '../domain/webhook.ts'
import type { Db, Executor, Tx } from './client.ts'
import type { WebhookDeliveryRow, WebhookEndpointRow } from './webhook-tables.ts'

// Queries that see every tenant: for the dispatcher only.

/** Endpoints that there are new events for, of their tenant or, for the platform's, of anybody. */
export async function findEndpointsToTell(db: Executor, limit: number): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from webhook_endpoint as endpoint
     where enabled and case when tenant_id is null
       then exists (select from outbox_event where position > endpoint.position)
       else exists (select from outbox_event
                     where tenant_id = endpoint.tenant_id and position > endpoint.position) end
     limit ${limit}`.execute(db)
  return rows.map(({ id }) => id)
}

/** Undefined when it is gone, disabled, or somebody else is at it. */
export async function tryLockEndpoint(tx: Tx, id: string): Promise<WebhookEndpointRow | undefined> {
  const { rows } = await sql<WebhookEndpointRow>`
    select * from webhook_endpoint where id = ${id} and enabled for update skip locked`.execute(tx)
  return rows[0]
}

export function findNewEvents(tx: Tx, endpoint: WebhookEndpointRow, limit: number) {
  const events = tx.selectFrom('outbox_event').selectAll().where('position', '>', endpoint.position)
  const seen = endpoint.tenant_id === null ? events : events.where('tenant_id', '=', endpoint.tenant_id)
  return seen.orderBy('position').limit(limit).execute()
}

export interface ClaimLimits {
  /** How many in all. */
  capacity: number
  perEndpoint: number
  perTenant: number
  leaseSeconds: number
}

export type ClaimedDelivery = WebhookDeliveryRow & { url: string; lease_token: string }

/** Endpoints that something is due for and that may be asked, and how many attempts more each may have. */
interface DueEndpoint {
  id: string
  owner: string
  room: number
  tenantRoom: number
}

/**
 * Takes up deliveries that are due, of the endpoints first that have waited longest. An endpoint that nothing but
 * failures has come of has one attempt at a time. Limits hold over all dispatchers; that of a tenant may be exceeded by a
 * few when several take up at the same moment.
 */
export async function claimDeliveries(
  db: Db,
  now: Moment,
  token: string,
  limits: ClaimLimits,
): Promise<ClaimedDelivery[]> {
  if (limits.capacity <= 0) return []
  return db.transaction().execute(async (tx) => {
    const due = await lockDueEndpoints(tx, now, limits)
    const claimed: ClaimedDelivery[] = []
    const usedByTenant = new Map<string, number>()
    for (const { id, owner, room, tenantRoom } of due) {
      const used = usedByTenant.get(owner) ?? 0
      const quota = Math.min(room, tenantRoom - used, limits.capacity - claimed.length)
      if (quota <= 0) continue
      const taken = await claimOf(tx, id, now, { token, quota, leaseSeconds: limits.leaseSeconds })
      usedByTenant.set(owner, used + taken.length)
      claimed.push(...taken)
    }
    return claimed
  })
}

async function lockDueEndpoints(tx: Tx, now: Moment, limits: ClaimLimits): Promise<DueEndpoint[]> {
  const { rows } = await sql<DueEndpoint>`
    select endpoint.id, coalesce(endpoint.tenant_id, '') as owner,
           case when failing_since is null then ${limits.perEndpoint}::integer else 1 end - own.underway as room,
           ${limits.perTenant}::integer - everyone.underway as "tenantRoom"
      from webhook_endpoint as endpoint
      cross join lateral (
        select count(*)::integer as underway from webhook_delivery
         where endpoint_id = endpoint.id and lease_token is not null and next_attempt_at > ${now}
      ) as own
      cross join lateral (
        select count(*)::integer as underway
          from webhook_endpoint as sibling
          join webhook_delivery on webhook_delivery.endpoint_id = sibling.id
         where sibling.tenant_id is not distinct from endpoint.tenant_id
           and lease_token is not null and next_attempt_at > ${now}
      ) as everyone
     where enabled and (paused_until is null or paused_until <= ${now})
       and exists (select from webhook_delivery
                    where endpoint_id = endpoint.id and status = 'pending' and next_attempt_at <= ${now})
       and own.underway < case when failing_since is null then ${limits.perEndpoint}::integer else 1 end
       and everyone.underway < ${limits.perTenant}::integer
     order by claimed_at nulls first, endpoint.id
     limit ${limits.capacity} for update of endpoint skip locked`.execute(tx)
  return rows
}

async function claimOf(
  tx: Tx,
  endpointId: string,
  now: Moment,
  { token, quota, leaseSeconds }: { token: string; quota: number; leaseSeconds: number },
): Promise<ClaimedDelivery[]> {
  const { rows } = await sql<ClaimedDelivery>`
    with endpoint as (
      update webhook_endpoint set claimed_at = ${now} where id = ${endpointId} returning id, url
    ), due as (
      select id from webhook_delivery
       where endpoint_id = ${endpointId} and status = 'pending' and next_attempt_at <= ${now}
       order by next_attempt_at, event_position limit ${quota}
    )
    update webhook_delivery
       set lease_token = ${token}, next_attempt_at = ${now}::timestamptz + make_interval(secs => ${leaseSeconds}),
           first_attempted_at = coalesce(first_attempted_at, ${now}::timestamptz)
      from due, endpoint
     where webhook_delivery.id = due.id
    returning webhook_delivery.*, endpoint.url`.execute(tx)
  return rows
}

/** Sealed secrets that sign now, the newest first. */
export async function findSigningSecrets(
  db: Executor,
  endpointId: string,
  now: Moment,
): Promise<{ id: string; secret_sealed: string }[]> {
  return db
    .selectFrom('webhook_secret')
    .select(['id', 'secret_sealed'])
    .where('endpoint_id', '=', endpointId)
    .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', now)]))
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .execute()
}

export interface Attempt {
  statusCode: number | null
  error: DeliveryError | null
  response: string
  durationMilliseconds: number
}

/** What has become of a delivery. `nextAttemptAt` is null when it is finished. */
export interface Settled extends Attempt {
  status: 'pending' | 'succeeded' | 'failed'
  nextAttemptAt: Moment | null
}

/** Returns false when somebody else has the delivery by now. */
export async function settleDelivery(
  tx: Tx,
  { id, lease_token: token }: ClaimedDelivery,
  settled: Settled,
  now: Moment,
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('webhook_delivery')
    .set((eb) => ({
      status: settled.status,
      attempts: eb('attempts', '+', 1),
      next_attempt_at: settled.nextAttemptAt,
      lease_token: null,
      last_attempted_at: now,
      last_status_code: settled.statusCode,
      last_error: settled.error,
      last_response: settled.response,
      last_duration_milliseconds: settled.durationMilliseconds,
      finished_at: settled.status === 'pending' ? null : now,
    }))
    .where('id', '=', id)
    .where('lease_token', '=', token)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** Now that the endpoint answers again after an outage, what waits for its next attempt need not wait any longer. */
export async function hastenDeliveries(tx: Tx, endpointId: string, now: Moment): Promise<void> {
  await tx
    .updateTable('webhook_delivery')
    .set({ next_attempt_at: now })
    .where('endpoint_id', '=', endpointId)
    .where('status', '=', 'pending')
    .where('lease_token', 'is', null)
    .where('next_attempt_at', '>', now)
    .execute()
}

const PRUNED_AT_ONCE = 5000

/**
 * Removes deliveries that have finished and are older than that, those that wait for a disabled endpoint, and the
 * endpoints of tenants that have been deleted for so long.
 */
export async function pruneWebhooks(db: Executor, days: number): Promise<void> {
  const limit = sql`now() - make_interval(days => ${days})`
  await sql`
    delete from webhook_delivery where id in (
      select delivery.id from webhook_delivery as delivery join webhook_endpoint on webhook_endpoint.id = endpoint_id
       where delivery.created_at < ${limit} and (delivery.status in ('succeeded', 'failed') or not enabled)
       limit ${PRUNED_AT_ONCE})`.execute(db)
  await sql`
    delete from webhook_endpoint using tenant
     where tenant.id = webhook_endpoint.tenant_id and tenant.deleted_at < ${limit}`.execute(db)
}
