import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Undrop } from './undrop.ts'

const WORKER = join(import.meta.dirname, '../../../src/bin/worker.ts')

/** Further worker processes beside the one that `start.ts` keeps; who dies is replaced at once. */
export function moreWorkers({ env }: Undrop, count: number): { stop(): Promise<void> } {
  const running = new Set<ChildProcess>()
  let stopping = false
  const run = () => {
    const child = fork(WORKER, { env, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
    running.add(child)
    child.once('exit', () => {
      running.delete(child)
      if (!stopping) run()
    })
  }
  for (let n = 0; n < count; n++) run()
  return {
    async stop() {
      stopping = true
      await Promise.all(
        [...running].map((child) => {
          child.kill('SIGTERM')
          return once(child, 'exit')
        }),
      )
    },
  }
}
