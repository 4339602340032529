import { z } from 'zod'
import type { Db } from '../../../src/db/client.ts'
import type { WakeUp } from '../../../src/operations/wake-up.ts'
import {
  defineWorkflow,
  finish,
  go,
  type Outcome,
  type StepContext,
} from '../../../src/operations/workflow.ts'
import { type Bench, newBench } from './bench.ts'
import { anOperation, aTenant } from './rows.ts'

const memo = z.object({ seen: z.array(z.string()).default([]) })
type Context = StepContext<z.infer<typeof memo>, null>
type Run = (context: Context) => Promise<Outcome<'one' | 'two' | 'undo'>>

interface Script {
  one?: Run
  two?: Run
  undo?: Run
  onFailure?: 'undo' | null
}

/** A workflow of two steps and a way back; each step goes well unless the test says otherwise. */
const workflowOf = ({ one, two, undo, onFailure = 'undo' }: Script) =>
  defineWorkflow<null>()({
    kind: 'addon.provision',
    memo,
    start: 'one',
    onFailure,
    timeLimitSeconds: 600,
    steps: {
      one: { run: one ?? (async () => go('two')) },
      two: { run: two ?? (async () => finish()) },
      undo: { run: undo ?? (async () => finish()) },
    },
  })

/** That workflow on a bench, and an operation to carry out. */
export async function twoSteps(db: Db, script: Script) {
  const bench: Bench<null> = newBench(db, { workflow: workflowOf(script), depsFor: () => null })
  const wakeUp: WakeUp = await anOperation(db, await aTenant(db))
  return { ...bench, wakeUp, stepsTaken: () => bench.turns.map(({ step }) => step) }
}
