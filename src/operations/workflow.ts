import type { z } from 'zod'
import type { Tx } from '../db/client.ts'
import type { OperationKind } from '../domain/addon.ts'
import type { Failure } from '../domain/problem.ts'
import type { NewWork } from './open.ts'

/** What a step asks the runner to do next. It takes effect only once the runner has committed it. */
export type Outcome<Step extends string> =
  | { do: 'go'; to: Step }
  | { do: 'wait'; seconds: number; until?: () => Promise<unknown> }
  | { do: 'finish' }

export const go = <const Step extends string>(to: Step) => ({ do: 'go', to }) as const
/**
 * Gives the claim back and runs the step again after that time, or as soon as what `until` gives settles. It is
 * asked once the wait is committed, and is a short cut for this process; the time is what still works after a restart.
 */
export const wait = (seconds: number, until?: () => Promise<unknown>) =>
  until === undefined ? ({ do: 'wait', seconds } as const) : ({ do: 'wait', seconds, until } as const)
export const finish = () => ({ do: 'finish' }) as const

export interface StepContext<Memo, Deps> {
  readonly operationId: string
  readonly tenantId: string
  readonly serverId: string
  readonly addonId: string
  readonly deps: Deps
  /** Aborts when the lease is lost or the worker stops. */
  readonly signal: AbortSignal
  /** What earlier steps learnt. Survives restarts; holds no secrets. */
  readonly memo: Readonly<Memo>
  readonly remember: (patch: Partial<Memo>) => void
  /** Why the operation is being undone; null until then. */
  readonly failure: Failure | null
  /** How often this step has been tried without success, this time included. */
  readonly attempt: number
  /** Adds writes to the transaction that commits this step's outcome. */
  readonly inCommit: (write: (tx: Tx) => Promise<void>) => void
  /** Opens the next operation on the same server in the commit that finishes this one. */
  readonly followUp: (work: Pick<NewWork, 'kind' | 'memo'>) => void
  /** Gives the work that much more time from now. Call it only on evidence of progress. */
  readonly extendDeadline: (seconds: number) => void
}

export interface StepDef<Step extends string, Memo, Deps> {
  run(context: StepContext<Memo, Deps>): Promise<Outcome<Step>>
}

export interface Workflow<Step extends string, Memo, Deps> {
  kind: OperationKind
  memo: z.ZodType<Memo>
  start: NoInfer<Step>
  /** Where a failed or cancelled operation goes to undo its work; null when it is repeated until it succeeds. */
  onFailure: NoInfer<Step> | null
  /** How long the work may go on without progress. */
  timeLimitSeconds: number
  steps: { [Name in Step]: StepDef<NoInfer<Step>, Memo, Deps> }
}

/** Identity function; it is here for its types: a `go()` to a step that does not exist fails to compile. */
export const defineWorkflow =
  <Deps>() =>
  <const Step extends string, Memo>(workflow: Workflow<Step, Memo, Deps>) =>
    workflow
