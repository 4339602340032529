import { type Expression, type ExpressionBuilder, type SqlBool, sql } from 'kysely'
import type { Moment } from '../domain/moment.ts'
import type { Executor } from './client.ts'
import type { Metadata } from './schema.ts'
import { inScope, type TenantScope } from './tenant-scope.ts'

export interface EventRow {
  position: number
  /** Null for what happened to the platform's own. */
  tenantId: string | null
  type: string
  resourceId: string
  payload: unknown
  createdAt: Moment
}

export interface EventFilter {
  /** Types, and `<resource>.*`; any of them. */
  types?: readonly string[] | undefined
  resourceId?: string | undefined
  /** The add-on itself, and what belongs to it. */
  addonId?: string | undefined
  createdAfter?: Moment | undefined
  createdBefore?: Moment | undefined
}

/** Events that stand after that position, in order. */
export async function readEventsAfter(
  ex: Executor,
  scope: TenantScope,
  filter: EventFilter,
  { after, limit }: { after: number; limit: number },
): Promise<EventRow[]> {
  const { types, resourceId, addonId, createdAfter, createdBefore } = filter
  let query = ex
    .selectFrom('outbox_event')
    .select(['tenant_id as tenantId', 'type', 'resource_id as resourceId', 'payload'])
    .select(['created_at as createdAt', 'position'])
    .$narrowType<{ position: number }>()
    .where('position', '>', after)
    .where(inScope(scope))
  if (types !== undefined) query = query.where((eb) => eb.or(types.map((type) => ofType(eb, type))))
  if (resourceId !== undefined) query = query.where('resource_id', '=', resourceId)
  if (addonId !== undefined) query = query.where(sql<boolean>`payload ->> 'addonId' = ${addonId}`)
  if (createdAfter !== undefined) query = query.where('created_at', '>', createdAfter)
  if (createdBefore !== undefined) query = query.where('created_at', '<', createdBefore)
  return query.orderBy('position').limit(limit).execute()
}

function ofType(eb: ExpressionBuilder<Metadata, 'outbox_event'>, type: string): Expression<SqlBool> {
  if (!type.endsWith('.*')) return eb('type', '=', type)
  return sql<boolean>`starts_with(type, ${type.slice(0, -1)})`
}

/** Behind everything that can be read at present. Whoever reads after it later misses nothing that comes. */
export async function lastPosition(ex: Executor, scope: TenantScope): Promise<number> {
  const { rows } = await sql<{ position: number }>`
    select greatest((select max(position) from outbox_event where position is not null and ${inScope(scope)}),
                    (select max(position) from pruned_events where ${inScope(scope)}), 0) as position`.execute(
    ex,
  )
  return rows[0]?.position ?? 0
}

/** Up to where events have been removed because of their age; 0 when none have. */
export async function prunedPosition(ex: Executor, scope: TenantScope): Promise<number> {
  const { rows } = await sql<{ position: number }>`
    select coalesce(max(position), 0) as position from pruned_events where ${inScope(scope)}`.execute(ex)
  return rows[0]?.position ?? 0
}

/** The highest position that any event has been given; 0 before there is one. */
export async function givenPosition(ex: Executor): Promise<number> {
  const { rows } = await sql<{ position: number }>`
    select coalesce(pg_sequence_last_value('event_position'), 0) as position`.execute(ex)
  return rows[0]?.position ?? 0
}

/** Whose events there are after that position, and how far each tenant's go. For all tenants at once. */
export async function tenantsWithEventsAfter(
  ex: Executor,
  position: number,
): Promise<{ tenantId: string | null; position: number }[]> {
  const { rows } = await sql<{ tenantId: string | null; position: number }>`
    select tenant_id as "tenantId", max(position) as position
      from outbox_event where position > ${position} group by tenant_id`.execute(ex)
  return rows
}

/** Removes the oldest events that are kept no longer, and notes how far; returns how many. For all tenants at once. */
export async function pruneEvents(ex: Executor, keptDays: number, limit: number): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    with gone as (
      delete from outbox_event
       where id in (select id from outbox_event
                     where position is not null and created_at < now() - make_interval(days => ${keptDays})
                     order by created_at limit ${limit})
      returning tenant_id, position
    ), noted as (
      insert into pruned_events (tenant_id, position)
      select tenant_id, max(position) from gone group by tenant_id
      on conflict (coalesce(tenant_id, '')) do update set position = greatest(pruned_events.position, excluded.position)
    )
    select count(*) from gone`.execute(ex)
  return rows[0]?.count ?? 0
}
