import type { Db } from '../../../src/db/client.ts'
import type { Lease } from '../../../src/operations/lease.ts'
import { type AnyWorkflow, type RunnerDeps, type TurnObserver, turn } from '../../../src/operations/runner.ts'
import { type OperationStore, operationStore } from '../../../src/operations/store.ts'
import type { WakeUp } from '../../../src/operations/wake-up.ts'

const LEASE_SECONDS = 15

/** A runner for one workflow whose doorbell, observer and ends only write down what they are told. */
export interface Bench<Deps> {
  runner: RunnerDeps<Deps>
  turns: Parameters<TurnObserver>[0][]
  rings: (WakeUp & { delaySeconds: number })[]
  /** Waits that were cut short. */
  cutShort: WakeUp[]
  finished: string[]
  /** Takes the turn that was last rung for, and all that follow, as if no time passed in between. */
  runToEnd(wakeUp: WakeUp): Promise<void>
}

interface BenchOptions<Deps> {
  workflow: AnyWorkflow<Deps>
  depsFor: (lease: Lease) => Deps
  store?: OperationStore
  leaseSeconds?: number
}

export function newBench<Deps>(
  db: Db,
  {
    workflow,
    depsFor,
    leaseSeconds = LEASE_SECONDS,
    store = operationStore(db, leaseSeconds),
  }: BenchOptions<Deps>,
): Bench<Deps> {
  const turns: Bench<Deps>['turns'] = []
  const rings: Bench<Deps>['rings'] = []
  const cutShort: WakeUp[] = []
  const finished: string[] = []
  const runner: RunnerDeps<Deps> = {
    db,
    store,
    doorbell: { ring: async (wakeUp, delaySeconds = 0) => void rings.push({ ...wakeUp, delaySeconds }) },
    workflows: new Map([[workflow.kind, workflow]]),
    leaseSeconds,
    depsFor,
    stopping: new AbortController().signal,
    observe: (event) => void turns.push(event),
    again: (wakeUp) => void cutShort.push(wakeUp),
    finished: async ({ id }) => void finished.push(id),
  }
  const runToEnd = async (wakeUp: WakeUp) => {
    await turn(runner, wakeUp, true)
    for (let next = rings.shift(); next !== undefined; next = rings.shift()) await turn(runner, next, true)
  }
  return { runner, turns, rings, cutShort, finished, runToEnd }
}
