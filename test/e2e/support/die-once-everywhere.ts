import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AnyWorkflow } from '../../../src/operations/runner.ts'
import { workflows } from '../../../src/operations/workflows/all.ts'

/**
 * Environment under which workers are killed at every place there is in their workflows, once by all workers together.
 * Each step is a place before it does anything, which is right after the commit of the step before it, and a place when
 * all it does has been done and nothing of it is committed. This file is loaded before a worker's own code.
 * @param directory where each death leaves a file of that name
 */
export const dieOnceEverywhere = (directory: string) => ({
  NODE_OPTIONS: `--import=${import.meta.url}`,
  DEATHS_DIRECTORY: directory,
})

if (process.argv[1]?.endsWith('/worker.ts')) for (const workflow of workflows.values()) makeDeadly(workflow)

function makeDeadly({ kind, steps }: AnyWorkflow<never>): void {
  for (const [name, step] of Object.entries(steps)) {
    const { run } = step
    step.run = async (context) => {
      dieOnceAt(`${kind} ${name} entered`)
      const outcome = await run(context)
      dieOnceAt(`${kind} ${name} acted`)
      return outcome
    }
  }
}

function dieOnceAt(place: string): void {
  try {
    writeFileSync(join(process.env['DEATHS_DIRECTORY'] ?? '', place), '', { flag: 'wx' })
  } catch {
    // Somebody has died here before.
    return
  }
  process.kill(process.pid, 'SIGKILL')
}
