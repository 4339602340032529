import { sql } from 'kysely'
import { Problem } from '../domain/problem.ts'
import type { Executor } from './client.ts'
import type { Applied } from './request-tables.ts'

/** A request that may be sent again. */
export interface IdempotentRequest {
  /** Null for the platform. */
  tenantId: string | null
  key: string
  /** SHA-256 of what is asked for. */
  fingerprint: Buffer
}

export interface KnownRequest {
  id: string
  fingerprint: Buffer
  state: 'running' | 'applied' | 'answered'
  /** Until whoever is at it is taken for dead; 0 once that is so. */
  leaseSeconds: number
  applied: Applied | null
  answerSealed: string | null
}

export interface KeptAnswer {
  status: number
  location: string | null
  sealed: string
}

/** Whether the key is free, and taken now under that id. Of many at once, one gets it. */
export async function claimIdempotencyKey(
  ex: Executor,
  id: string,
  { tenantId, key, fingerprint }: IdempotentRequest,
  leaseSeconds: number,
): Promise<boolean> {
  const { rows } = await sql`
    insert into idempotency_key (id, tenant_id, key, fingerprint, lease_until)
    values (${id}, ${tenantId}, ${key}, ${fingerprint}, now() + make_interval(secs => ${leaseSeconds}))
    on conflict do nothing returning id`.execute(ex)
  return rows.length === 1
}

export async function findIdempotencyKey(
  ex: Executor,
  { tenantId, key }: IdempotentRequest,
): Promise<KnownRequest | undefined> {
  const { rows } = await sql<KnownRequest>`
    select id, fingerprint, state, applied, answer_sealed as "answerSealed",
           greatest(0, extract(epoch from lease_until - now()))::float8 as "leaseSeconds"
      from idempotency_key where coalesce(tenant_id, '') = ${tenantId ?? ''} and key = ${key}`.execute(ex)
  return rows[0]
}

/**
 * Takes over from whoever has died before it changed anything: from then on nothing can be committed under the old id.
 * False when that is not so (any more).
 */
export async function takeOverIdempotencyKey(
  ex: Executor,
  from: string,
  id: string,
  leaseSeconds: number,
): Promise<boolean> {
  const { rows } = await sql`
    update idempotency_key set id = ${id}, lease_until = now() + make_interval(secs => ${leaseSeconds})
     where id = ${from} and state = 'running' and lease_until <= now() returning id`.execute(ex)
  return rows.length === 1
}

/**
 * Notes in the transaction of a change that the request has made it.
 * @throws Problem `idempotency-key-in-use` when another has taken the request over: the change must not be committed
 */
export async function markApplied(tx: Executor, id: string, applied: Applied): Promise<void> {
  const { rows } = await sql`
    update idempotency_key set state = 'applied', applied = ${JSON.stringify(applied)}
     where id = ${id} and state in ('running', 'applied') returning id`.execute(tx)
  if (rows.length === 0) throw new Problem('idempotency-key-in-use')
}

export async function keepAnswer(
  ex: Executor,
  id: string,
  { status, location, sealed }: KeptAnswer,
): Promise<void> {
  await sql`
    update idempotency_key
       set state = 'answered', status = ${status}, location = ${location}, answer_sealed = ${sealed}
     where id = ${id} and state in ('running', 'applied')`.execute(ex)
}

/** Forgets a request that has changed nothing, so that it can be sent again. */
export async function releaseIdempotencyKey(ex: Executor, id: string): Promise<void> {
  await sql`delete from idempotency_key where id = ${id} and state = 'running'`.execute(ex)
}

const KEPT_HOURS = 24
const BATCH = 5000

/** For the sweeper: forgets requests of every tenant that are older than a day. */
export async function removeOldIdempotencyKeys(ex: Executor): Promise<void> {
  await sql`
    delete from idempotency_key where id in (
      select id from idempotency_key where made_at < now() - make_interval(hours => ${KEPT_HOURS}) limit ${BATCH}
    )`.execute(ex)
}
