import { type RawBuilder, sql } from 'kysely'
import type { Db, Executor, Tx } from '../db/client.ts'
import { transact } from '../db/transact.ts'
import type { OperationKind, OperationStatus } from '../domain/addon.ts'
import type { Moment } from '../domain/moment.ts'
import type { Failure } from '../domain/problem.ts'
import { recordEvent } from '../notify/outbox.ts'
import type { WakeUp } from './wake-up.ts'

/** An operation whose lease this process holds. */
export interface Claim {
  id: string
  version: number
  leaseToken: string
  kind: OperationKind
  tenantId: string
  serverId: string
  addonId: string
  step: string
  attempt: number
  memo: unknown
  deadlineAt: Moment | null
  cancelRequested: boolean
  failure: Failure | null
}

/** What a step decided, ready to be written. */
export interface Decision {
  /** The step the operation is at from now on; the same one when it waits. */
  step: string
  /** Seconds until the step is to run; null when the operation is finished. */
  runInSeconds: number | null
  /** Whether the claim is kept, to go on at once. */
  keepLease: boolean
  memo: unknown
  /** Seconds of time limit to grant from now; null leaves the deadline as it is. */
  extendSeconds: number | null
  /** What went wrong in this attempt, for the history; null when nothing did. */
  error: string | null
  failure: Failure | null
  finalStatus: OperationStatus | null
  writes: readonly ((tx: Tx) => Promise<void>)[]
}

/** The claim as it goes on, and how long what is over has taken. */
export interface Committed extends Claim {
  /** In the step that was left, waits included; null while the operation stays there. */
  stepSeconds: number | null
  /** Since the operation was asked for. */
  totalSeconds: number
}

/** Thrown by a commit when another worker has taken the operation over: nothing was written. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError'
}

/** `undrop.operation` as the runner uses it. Every change after the claim is fenced by the lease token. */
export interface OperationStore {
  /**
   * Takes the lease; null when the wake-up is stale, comes before its time (unless `early`), somebody else holds the
   * lease, or the tenant already runs as many operations as it may.
   */
  claim(wakeUp: WakeUp, options?: { early?: boolean }): Promise<Claim | null>
  /** @throws LeaseLostError */
  commit(claim: Claim, decision: Decision): Promise<Committed>
  /** False when the lease is no longer ours. */
  renew(claim: Claim): Promise<boolean>
}

/** A wake-up that comes this late is no outage. */
const LATE_SECONDS = 5

const claimColumns = sql`id, version, lease_token as "leaseToken", kind, tenant_id as "tenantId", server_id as "serverId",
  addon_id as "addonId", step, attempt, memo, deadline_at as "deadlineAt", cancel_requested as "cancelRequested", failure`

/** @param leaseSeconds how long a worker that stopped answering keeps others waiting */
export function operationStore(db: Db, leaseSeconds: number): OperationStore {
  const leaseEnd = sql`now() + make_interval(secs => ${leaseSeconds})`
  // Time in which no worker came to the operation is not time without progress.
  const deadline = sql`deadline_at + greatest(now() - greatest(run_at, lease_until) - make_interval(secs => ${LATE_SECONDS}), '0')`
  const takeLease = sql`lease_token = gen_random_uuid(), lease_until = ${leaseEnd}, attempt = attempt + 1,
    deadline_at = ${deadline}`

  return {
    async claim({ operationId, version }, { early = false } = {}) {
      const due = early ? sql`true` : sql`run_at <= now() + interval '20 milliseconds'`
      const { rows } = await sql<Claim>`
        update operation set ${takeLease}
         where id = ${operationId} and version = ${version} and finished_at is null and started_at is not null
           and ${due} and (lease_until is null or lease_until < now())
        returning ${claimColumns}`.execute(db)
      return rows[0] ?? (await start(db, operationId, version, takeLease))
    },

    async commit(claim, decision) {
      const hasFailed = decision.finalStatus === 'failed'
      if (decision.writes.length === 0 && !hasFailed) return write(db, claim, decision, leaseEnd)
      return transact(db, async (tx) => {
        const next = await write(tx, claim, decision, leaseEnd)
        for (const also of decision.writes) await also(tx)
        if (hasFailed) await tellOfFailure(tx, next)
        return next
      })
    },

    async renew(claim) {
      const { numAffectedRows } = await sql`
        update operation set lease_until = ${leaseEnd}
         where id = ${claim.id} and lease_token = ${claim.leaseToken}`.execute(db)
      return numAffectedRows === 1n
    },
  }
}

/** Begins a queued operation if its tenant has a slot left. The tenant's row is locked, so that two cannot share the last one. */
async function start(
  db: Db,
  id: string,
  version: number,
  takeLease: RawBuilder<unknown>,
): Promise<Claim | null> {
  const queued =
    await sql`select from operation where id = ${id} and version = ${version} and started_at is null`.execute(
      db,
    )
  if (queued.rows.length === 0) return null
  return db.transaction().execute(async (tx) => {
    await sql`select from tenant where id = (select tenant_id from operation where id = ${id}) for no key update`.execute(
      tx,
    )
    const { rows } = await sql<Claim>`
      update operation set ${takeLease}, started_at = clock_timestamp(), status = 'running', run_at = now()
       where id = ${id} and version = ${version} and started_at is null and finished_at is null
         and (cancel_requested or kind = 'addon.delete' or
              (select count(*) from operation running
                where running.tenant_id = operation.tenant_id and running.started_at is not null
                  and running.finished_at is null and running.failure is null and running.kind <> 'addon.delete')
              < (select max_concurrent_operations from tenant where id = operation.tenant_id))
      returning ${claimColumns}`.execute(tx)
    return rows[0] ?? null
  })
}

/** One statement: the operation moves on, and its history with it. */
async function write(
  tx: Executor,
  claim: Claim,
  decision: Decision,
  leaseEnd: RawBuilder<unknown>,
): Promise<Committed> {
  const moved = decision.step !== claim.step
  const finished = decision.runInSeconds === null
  const { rows } = await sql<Committed>`
    with moved as (
      update operation
         set version = version + 1,
             step = ${decision.step},
             memo = ${JSON.stringify(decision.memo)},
             attempt = ${attemptsSoFar(claim, decision)},
             run_at = now() + make_interval(secs => ${decision.runInSeconds ?? 0}),
             lease_until = case when ${decision.keepLease} then ${leaseEnd} end,
             lease_token = case when ${decision.keepLease} then lease_token end,
             deadline_at = coalesce(now() + make_interval(secs => ${decision.extendSeconds}), deadline_at),
             failure = coalesce(${decision.failure === null ? null : JSON.stringify(decision.failure)}::jsonb, failure),
             status = coalesce(${decision.finalStatus}, status),
             finished_at = case when ${finished} then clock_timestamp() end
       where id = ${claim.id} and version = ${claim.version} and lease_token = ${claim.leaseToken}
      returning ${claimColumns}, created_at
    ), left_step as (
      update operation_step
         set left_at = case when ${moved || finished} then clock_timestamp() end,
             attempts = greatest(attempts, ${claim.attempt}), error = coalesce(${decision.error}, error)
       where operation_id = ${claim.id} and left_at is null and exists (select from moved)
      returning extract(epoch from left_at - entered_at)::float8 as seconds
    )
    , entered as (
      insert into operation_step (operation_id, ordinal, step, entered_at)
      select ${claim.id}, (select count(*) + 1 from operation_step where operation_id = ${claim.id}), ${decision.step}, clock_timestamp()
        from moved where ${moved} and not ${finished}
    )
    select moved.*, (select seconds from left_step) as "stepSeconds",
           extract(epoch from clock_timestamp() - created_at)::float8 as "totalSeconds" from moved`.execute(
    tx,
  )
  const [next] = rows
  if (next === undefined) throw new LeaseLostError(`operation ${claim.id} is no longer ours`)
  return next
}

async function tellOfFailure(
  tx: Tx,
  { id: operationId, tenantId, addonId, kind, failure }: Claim,
): Promise<void> {
  const payload = { operationId, addonId, kind, failure }
  await recordEvent(tx, { tenantId, type: 'operation.failed', payload })
}

/** A claim counts the attempt it begins; a step that goes on to the next one begins that attempt without a claim. */
function attemptsSoFar(claim: Claim, decision: Decision): number {
  if (decision.error !== null && decision.step === claim.step) return claim.attempt
  return decision.keepLease ? 1 : 0
}
