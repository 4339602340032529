import type { Db } from '../db/client.ts'
import type { OperationStatus } from '../domain/addon.ts'
import { type Failure, failureOf, Problem } from '../domain/problem.ts'
import { backoffSeconds } from '../lib/backoff.ts'
import { withOrigin } from '../lib/origin.ts'
import { holdLease, type Lease } from './lease.ts'
import { keepOrigin, originOf } from './memo-origin.ts'
import { openOperation, QUEUED_STEP } from './open.ts'
import { type Claim, type Committed, type Decision, LeaseLostError, type OperationStore } from './store.ts'
import type { Doorbell, WakeUp } from './wake-up.ts'
import type { Outcome, StepContext, Workflow } from './workflow.ts'

// biome-ignore lint/suspicious/noExplicitAny: the registry holds workflows of every shape
export type AnyWorkflow<Deps> = Workflow<any, any, Deps> // oxlint-disable-line typescript/no-explicit-any

/** What a commit was about, for logs and metrics. */
export interface TurnEvent {
  operationId: string
  tenantId: string
  kind: string
  /** The request that the work comes from; null when nobody has asked for it. */
  requestId: string | null
  step: string
  next: string
  attempt: number
  error: string | null
  /** What was thrown, with its cause, for the log alone. */
  thrown: unknown
  /** How long the operation was at the step; null while it stays there. */
  stepSeconds: number | null
  /** Once the operation has ended: how, and how long after it was asked for. */
  ended: { status: OperationStatus; seconds: number } | null
  memo: unknown
}

/** Told of every commit. */
export type TurnObserver = (event: TurnEvent) => void

/** Runs the work as one span of a trace. */
export type InSpan = <Result>(
  span: { name: string; attributes: Record<string, string | number>; parent?: string | undefined },
  work: () => Promise<Result>,
) => Promise<Result>

export interface RunnerDeps<Deps> {
  db: Db
  store: OperationStore
  doorbell: Doorbell
  workflows: ReadonlyMap<string, AnyWorkflow<Deps>>
  leaseSeconds: number
  /** What steps work with, for as long as the lease is held. */
  depsFor(lease: Lease): Deps
  /** Aborts when the worker stops. */
  stopping: AbortSignal
  observe: TurnObserver
  /** Absent while nothing is traced. */
  inSpan?: InSpan | undefined
  /** Runs `turn` again when a wait is cut short; the worker keeps count of what runs. */
  again(wakeUp: WakeUp): void
  /** Called after an operation has finished: somebody may have waited for its end. */
  finished(claim: Claim): Promise<void>
}

/**
 * Runs an operation from step to step, committing each, until it waits or is finished.
 *
 * Wake-ups arrive at least once and a process may die at any point, so a step must be safe to repeat.
 * @param early the wait has been cut short, so the time it was to last does not count
 */
export async function turn<Deps>(deps: RunnerDeps<Deps>, wakeUp: WakeUp, early = false): Promise<void> {
  const claimedAt = performance.now()
  const claim = await deps.store.claim(wakeUp, { early })
  if (claim === null) return
  const origin = originOf(claim.memo)
  const span = { ...spanOf('turn', claim), parent: origin?.traceparent }
  await withOrigin(origin, () => traced(deps)(span, () => goOn(deps, claim, claimedAt)))
}

async function goOn<Deps>(deps: RunnerDeps<Deps>, claimed: Claim, claimedAt: number): Promise<void> {
  let claim = claimed
  const current = () => claim
  using lease = holdLease(deps.store, current, deps.leaseSeconds, claimedAt)
  try {
    for (;;) {
      const held = current()
      const { decision, until, thrown } = await traced(deps)(spanOf('step', held), () =>
        decide(deps, held, lease),
      )
      const committed = await deps.store.commit(held, decision)
      claim = committed
      deps.observe(eventOf(held, decision, committed, thrown))
      if (decision.keepLease) continue
      return await rest(deps, current(), decision, until)
    }
  } catch (error) {
    // Whoever holds the lease now goes on from the last commit.
    if (error instanceof LeaseLostError) return
    throw error
  }
}

const traced = <Deps>({ inSpan }: RunnerDeps<Deps>): InSpan => inSpan ?? ((_span, work) => work())

function spanOf(what: 'turn' | 'step', { id, kind, step, tenantId, attempt }: Claim) {
  const attributes = { 'undrop.operation.id': id, 'undrop.tenant.id': tenantId, 'undrop.attempt': attempt }
  return { name: what === 'turn' ? `turn ${kind}` : `step ${kind} ${step}`, attributes }
}

function eventOf(held: Claim, decision: Decision, committed: Committed, thrown: unknown): TurnEvent {
  const { finalStatus: status } = decision
  return {
    operationId: held.id,
    tenantId: held.tenantId,
    kind: held.kind,
    requestId: originOf(held.memo)?.requestId ?? null,
    step: held.step,
    next: decision.step,
    attempt: held.attempt,
    error: decision.error,
    thrown,
    stepSeconds: committed.stepSeconds,
    ended: status === null ? null : { status, seconds: committed.totalSeconds },
    memo: decision.memo,
  }
}

/** What happens between turns: the next wake-up is arranged, or the end is made known. */
async function rest<Deps>(
  deps: RunnerDeps<Deps>,
  claim: Claim,
  decision: Decision,
  until?: () => Promise<unknown>,
): Promise<void> {
  if (decision.runInSeconds === null) return deps.finished(claim)
  const wakeUp = { operationId: claim.id, version: claim.version }
  if (until !== undefined)
    void until()
      .catch(() => undefined)
      .then(() => deps.again(wakeUp))
  await deps.doorbell.ring(wakeUp, decision.runInSeconds)
}

interface Decided {
  decision: Decision
  until?: () => Promise<unknown>
  thrown?: unknown
}

async function decide<Deps>(deps: RunnerDeps<Deps>, claim: Claim, lease: Lease): Promise<Decided> {
  const workflow = deps.workflows.get(claim.kind)
  if (workflow === undefined) throw new Error(`no workflow of kind ${claim.kind}`)
  const undoing = claim.failure !== null
  const canGiveUp = workflow.onFailure !== null && !undoing

  if (canGiveUp && claim.cancelRequested)
    return giveUp(claim, workflow, failureOf(new Problem('cancelled')), null)
  if (claim.step === QUEUED_STEP) {
    const decision = {
      ...unchanged(claim),
      step: workflow.start,
      keepLease: true,
      extendSeconds: workflow.timeLimitSeconds,
    }
    return { decision }
  }
  if (canGiveUp && claim.deadlineAt !== null && Date.parse(claim.deadlineAt) < Date.now())
    return giveUp(claim, workflow, failureOf(new Problem('deadline-exceeded')), null)

  try {
    return await runStep(deps, workflow, claim, lease)
  } catch (error) {
    lease.assertHeld()
    const message = error instanceof Error ? error.message : String(error)
    if (error instanceof Problem && canGiveUp)
      return { ...giveUp(claim, workflow, failureOf(error), message), thrown: error }
    // What the failed attempt meant to remember is dropped with it.
    const decision = { ...unchanged(claim), runInSeconds: backoffSeconds(claim.attempt), error: message }
    return { decision, thrown: error }
  }
}

async function runStep<Deps>(
  deps: RunnerDeps<Deps>,
  workflow: AnyWorkflow<Deps>,
  claim: Claim,
  lease: Lease,
): Promise<Decided> {
  const step = workflow.steps[claim.step]
  if (step === undefined) throw new Error(`workflow ${claim.kind} has no step ${claim.step}`)
  const draft = {
    memo: workflow.memo.parse(claim.memo),
    extendSeconds: null as number | null,
    writes: [] as Decision['writes'][number][],
  }

  const context: StepContext<object, Deps> = {
    operationId: claim.id,
    tenantId: claim.tenantId,
    serverId: claim.serverId,
    addonId: claim.addonId,
    deps: deps.depsFor(lease),
    signal: AbortSignal.any([lease.signal, deps.stopping]),
    memo: draft.memo,
    remember: (patch) => Object.assign(draft.memo, patch),
    failure: claim.failure,
    attempt: claim.attempt,
    inCommit: (write) => draft.writes.push(write),
    followUp: (work) =>
      draft.writes.push(async (tx) => {
        await openOperation(tx, {
          tenantId: claim.tenantId,
          serverId: claim.serverId,
          addonId: claim.addonId,
          ...work,
        })
      }),
    extendDeadline: (seconds) => {
      draft.extendSeconds = Math.max(draft.extendSeconds ?? 0, seconds)
    },
  }
  const next: Outcome<string> = await step.run(context)
  return decisionOf(claim, next, draft)
}

function decisionOf(
  claim: Claim,
  next: Outcome<string>,
  draft: Pick<Decision, 'memo' | 'extendSeconds' | 'writes'>,
): Decided {
  const same = { ...unchanged(claim), ...draft, memo: keepOrigin(draft.memo as object, claim.memo) }
  switch (next.do) {
    case 'go':
      return { decision: { ...same, step: next.to, keepLease: true } }
    case 'wait':
      return { decision: { ...same, runInSeconds: next.seconds }, ...(next.until && { until: next.until }) }
    case 'finish':
      return { decision: { ...same, runInSeconds: null, finalStatus: finalStatus(claim.failure) } }
  }
}

function finalStatus(failure: Failure | null): 'succeeded' | 'failed' | 'cancelled' {
  if (failure === null) return 'succeeded'
  return failure.code === 'cancelled' ? 'cancelled' : 'failed'
}

function giveUp<Deps>(
  claim: Claim,
  workflow: AnyWorkflow<Deps>,
  failure: Failure,
  error: string | null,
): Decided {
  return {
    decision: {
      ...unchanged(claim),
      step: workflow.onFailure ?? claim.step,
      keepLease: true,
      failure,
      error,
    },
  }
}

function unchanged(claim: Claim): Decision {
  return {
    step: claim.step,
    runInSeconds: 0,
    keepLease: false,
    memo: claim.memo,
    extendSeconds: null,
    error: null,
    failure: null,
    finalStatus: null,
    writes: [],
  }
}
