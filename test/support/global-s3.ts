import type { TestProject } from 'vitest/node'
import { type S3Access, startS3Server } from '../../src/bin/demo/s3-server.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Absent in projects that need no object store. The tests share it: make a bucket of your own. */
    s3?: S3Access
  }
}

/** Starts one throw-away object store for all tests, on a free port. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { kill: _, restart: __, stop, ...access } = await startS3Server()
  project.provide('s3', access)
  return stop
}
