import { type Insertable, sql, type Updateable } from 'kysely'
import type { Moment } from '../domain/moment.ts'
import type { Executor, Tx } from './client.ts'
import { inSlice, rowsOf, type Slice } from './slice.ts'
import { inScope, type TenantScope } from './tenant-scope.ts'
import type { WebhookEndpointRow, WebhookEndpointTable, WebhookSecretRow } from './webhook-tables.ts'

/** An endpoint is told of the events that are placed from now on. */
export async function insertWebhookEndpoint(
  tx: Tx,
  endpoint: Omit<Insertable<WebhookEndpointTable>, 'position'>,
): Promise<WebhookEndpointRow> {
  const { tenant_id: tenantId = null } = endpoint
  const events = tx.selectFrom('outbox_event').where('position', 'is not', null)
  const seen = tenantId === null ? events : events.where('tenant_id', '=', tenantId)
  const { position } = await seen
    .select((eb) => eb.fn.coalesce(eb.fn.max('position'), sql<number>`0`).as('position'))
    .executeTakeFirstOrThrow()
  return tx
    .insertInto('webhook_endpoint')
    .values({ ...endpoint, position: position ?? 0 })
    .returningAll()
    .executeTakeFirstOrThrow()
}

const SERIAL_LOCK = 8_736_730

/** How many endpoints the tenant has, or the platform; nobody else adds one until the transaction ends. */
export async function countWebhookEndpoints(tx: Tx, tenantId: string | null): Promise<number> {
  await sql`select pg_advisory_xact_lock(${SERIAL_LOCK}, hashtext(${tenantId ?? ''}))`.execute(tx)
  const { count } = await tx
    .selectFrom('webhook_endpoint')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('tenant_id', tenantId === null ? 'is' : '=', tenantId)
    .executeTakeFirstOrThrow()
  return count
}

export function findWebhookEndpoint(
  ex: Executor,
  scope: TenantScope,
  id: string,
): Promise<WebhookEndpointRow | undefined> {
  const endpoints = ex.selectFrom('webhook_endpoint').selectAll().where(inScope(scope))
  return endpoints.where('id', '=', id).executeTakeFirst()
}

/**
 * Whoever changes an endpoint or its deliveries holds its row: making deliveries, taking them up, and settling them go
 * one after another for one endpoint, and beside each other for several.
 */
export function lockWebhookEndpoint(
  tx: Tx,
  scope: TenantScope,
  id: string,
): Promise<WebhookEndpointRow | undefined> {
  const endpoints = tx.selectFrom('webhook_endpoint').selectAll().where(inScope(scope))
  return endpoints.where('id', '=', id).forUpdate().executeTakeFirst()
}

export function listWebhookEndpoints(
  ex: Executor,
  scope: TenantScope,
  slice: Slice,
): Promise<WebhookEndpointRow[]> {
  const endpoints = ex.selectFrom('webhook_endpoint').selectAll().where(inScope(scope))
  return endpoints.where(inSlice('webhook_endpoint', slice)).orderBy('id').limit(rowsOf(slice)).execute()
}

export function updateWebhookEndpoint(
  tx: Tx,
  scope: TenantScope,
  id: string,
  change: Updateable<WebhookEndpointTable>,
): Promise<WebhookEndpointRow> {
  const update = tx.updateTable('webhook_endpoint').set(change).where(inScope(scope)).where('id', '=', id)
  return update.returningAll().executeTakeFirstOrThrow()
}

/** Its secrets and deliveries go with it. */
export async function deleteWebhookEndpoint(tx: Tx, scope: TenantScope, id: string): Promise<void> {
  await tx.deleteFrom('webhook_endpoint').where(inScope(scope)).where('id', '=', id).execute()
}

export async function insertWebhookSecret(tx: Tx, secret: WebhookSecretRow): Promise<void> {
  await tx.insertInto('webhook_secret').values(secret).execute()
}

/**
 * Leaves the secrets that an endpoint has until that moment, the newest of them, and removes those that are over.
 * @param keep how many at most
 */
export async function retireWebhookSecrets(
  tx: Tx,
  endpointId: string,
  { now, until, keep }: { now: Moment; until: Moment; keep: number },
): Promise<void> {
  await tx
    .updateTable('webhook_secret')
    .set({ expires_at: sql<Moment>`least(expires_at, ${until}::timestamptz)` })
    .where('endpoint_id', '=', endpointId)
    .execute()
  await sql`
    delete from webhook_secret where endpoint_id = ${endpointId}
       and (expires_at <= ${now} or id not in (
             select id from webhook_secret where endpoint_id = ${endpointId}
              order by created_at desc, id desc limit ${keep}))`.execute(tx)
}
