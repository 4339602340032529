import type { TestProject } from 'vitest/node'
import { startRedis } from './redis-server.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The tests share it: give queues a prefix of your own. */
    redisUrl: string
  }
}

/** Starts one throw-away Redis server for all tests, on a free port. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { url, stop } = await startRedis()
  project.provide('redisUrl', url)
  return stop
}
