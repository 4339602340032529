import type { ServerDriver } from '../../../src/drivers/driver.ts'

/** What a test of the contract works with: one driver, and a server that is made for each test. */
export interface Subject {
  driver: ServerDriver
  /** Another driver on the same servers, as another process would have it. */
  another: () => ServerDriver
  version: number
  serverId: string
  /** A server with a data directory to copy from. */
  template: string
  /** Runs a command that has to succeed; what it printed. */
  succeed: (serverId: string, ...argv: [string, ...string[]]) => Promise<string>
}
