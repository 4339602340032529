import { abandon, drillMemo } from '../drill/memo.ts'
import { awaitVerify, handOver, reserve, startVerify } from '../drill/verify.ts'
import type { WorkDeps } from '../server-work.ts'
import { defineWorkflow } from '../workflow.ts'

/** The first part of a drill: reads every file of the source's archive. Its restore follows. */
export const verifyDrill = defineWorkflow<WorkDeps>()({
  kind: 'drill.verify',
  memo: drillMemo,
  start: 'reserve',
  onFailure: 'dismantle',
  timeLimitSeconds: 12 * 3600,
  steps: {
    'reserve': { run: reserve },
    'start-verify': { run: startVerify },
    'await-verify': { run: awaitVerify },
    'hand-over': { run: handOver },
    'dismantle': { run: abandon },
  },
})
