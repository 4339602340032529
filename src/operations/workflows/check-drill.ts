import { awaitAmcheck, conclude, probe, readRows, startAmcheck } from '../drill/check.ts'
import { drillMemo } from '../drill/memo.ts'
import type { WorkDeps } from '../server-work.ts'
import { defineWorkflow } from '../workflow.ts'

/** The last part of a drill: looks at what was restored, removes it, and says how the drill ended. */
export const checkDrill = defineWorkflow<WorkDeps>()({
  kind: 'drill.check',
  memo: drillMemo,
  start: 'start-amcheck',
  onFailure: 'dismantle',
  timeLimitSeconds: 12 * 3600,
  steps: {
    'start-amcheck': { run: startAmcheck },
    'await-amcheck': { run: awaitAmcheck },
    'read-rows': { run: readRows },
    'probe': { run: probe },
    'dismantle': { run: conclude },
  },
})
